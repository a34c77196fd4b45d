BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE approvals (
	id VARCHAR(32) NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	run VARCHAR(32) NOT NULL, 
	decision INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	tool TEXT, 
	arguments JSON, 
	arguments_hash VARCHAR(64), 
	question JSON, 
	state VARCHAR(16) NOT NULL, 
	answered_by TEXT, 
	reason TEXT, 
	created_at DATETIME NOT NULL, 
	answered_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run) REFERENCES runs (id), 
	CONSTRAINT uq_approvals_call UNIQUE (run, decision, position)
);
INSERT INTO "approvals" VALUES('01M8ACG27BZEVJ67ZNF81ZA6J0','default','01M8ACG25JV0TSJAWFGZ5ZTKJZ',1,0,'call','pay_back','{"amount": 5, "customer": "c-waits"}','12161dc8033d58973846fb0b75f9c94e26547d6675c8d4bd3c16a06c316faa41',NULL,'pending',NULL,NULL,'2026-11-25 22:16:23.531850',NULL);
CREATE TABLE calls (
	run VARCHAR(32) NOT NULL, 
	decision INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	tool TEXT NOT NULL, 
	arguments JSON NOT NULL, 
	action TEXT NOT NULL, 
	purpose TEXT, 
	propensity FLOAT NOT NULL, 
	decided_by TEXT NOT NULL, 
	verdict VARCHAR(16) NOT NULL, 
	why TEXT, 
	PRIMARY KEY (run, decision, position), 
	FOREIGN KEY(run) REFERENCES runs (id)
);
INSERT INTO "calls" VALUES('01M8ACG1PX1QN86Z0ADT3TF80V',1,0,'pause_mail','{"customer": "c-done"}','pause_mail',NULL,1.0,'script','permitted',NULL);
INSERT INTO "calls" VALUES('01M8ACG25JV0TSJAWFGZ5ZTKJZ',1,0,'pay_back','{"amount": 5, "customer": "c-waits"}','pay_back',NULL,1.0,'script','approval',NULL);
INSERT INTO "calls" VALUES('01M8ACG28VR0X23FG9V8AKB33Q',1,0,'book_call','{"note": "please call", "customer": "c-doubt"}','book_call',NULL,1.0,'script','permitted',NULL);
CREATE TABLE decisions (
	run VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	reason TEXT NOT NULL, 
	decided_by TEXT NOT NULL, 
	tokens INTEGER NOT NULL, 
	candidates JSON NOT NULL, 
	evidence JSON NOT NULL, 
	degraded TEXT, 
	decided_at DATETIME NOT NULL, 
	PRIMARY KEY (run, number), 
	FOREIGN KEY(run) REFERENCES runs (id)
);
INSERT INTO "decisions" VALUES('01M8ACG1PX1QN86Z0ADT3TF80V',1,'act','scripted','script',0,'[]','{}',NULL,'2026-11-25 22:16:23.203776');
INSERT INTO "decisions" VALUES('01M8ACG1PX1QN86Z0ADT3TF80V',2,'finish','enough','script',0,'[]','{}',NULL,'2026-11-25 22:16:23.254095');
INSERT INTO "decisions" VALUES('01M8ACG25JV0TSJAWFGZ5ZTKJZ',1,'act','scripted','script',0,'[]','{}',NULL,'2026-11-25 22:16:23.531850');
INSERT INTO "decisions" VALUES('01M8ACG28VR0X23FG9V8AKB33Q',1,'act','scripted','script',0,'[]','{}',NULL,'2026-11-25 22:16:23.626782');
CREATE TABLE effects (
	"key" VARCHAR(64) NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	run VARCHAR(32) NOT NULL, 
	decision INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	tool TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	arguments JSON NOT NULL, 
	"like" VARCHAR(64), 
	state VARCHAR(16) NOT NULL, 
	result JSON, 
	error TEXT, 
	attempts INTEGER NOT NULL, 
	settled_by TEXT, 
	settled_reason TEXT, 
	started_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	PRIMARY KEY ("key"), 
	FOREIGN KEY(run) REFERENCES runs (id)
);
INSERT INTO "effects" VALUES('01M8ACG1PX1QN86Z0ADT3TF80V:1:0','default','01M8ACG1PX1QN86Z0ADT3TF80V',1,0,'pause_mail','c-done','{"customer": "c-done"}','60ed039945d1d2b3da0fa8be0faa972eff466440575b7f49a84bd39f13f6def3','done','{"paused": true}',NULL,1,NULL,NULL,'2026-11-25 22:16:23.220630','2026-11-25 22:16:23.229839');
INSERT INTO "effects" VALUES('01M8ACG28VR0X23FG9V8AKB33Q:1:0','default','01M8ACG28VR0X23FG9V8AKB33Q',1,0,'book_call','c-doubt','{"note": "please call", "customer": "c-doubt"}','138e0cf6fa642c43d85348a69ec45816c6e64c83d4d110bd7df9c1efb3fc5305','unknown',NULL,'book_call failed: ConnectionResetError: the line went dead',1,NULL,NULL,'2026-11-25 22:16:23.634419','2026-11-25 22:16:23.644382');
CREATE TABLE episodes (
	id VARCHAR(32) NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	source TEXT NOT NULL, 
	event_id TEXT NOT NULL, 
	event_type TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	text TEXT NOT NULL, 
	features JSON NOT NULL, 
	actions JSON NOT NULL, 
	declined JSON NOT NULL, 
	decided_by TEXT NOT NULL, 
	trust FLOAT NOT NULL, 
	closed_at DATETIME NOT NULL, 
	"indexed" BOOLEAN NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(id) REFERENCES runs (id)
);
INSERT INTO "episodes" VALUES('01M8ACG1PX1QN86Z0ADT3TF80V','default','/tests','e-done','customer.upset','c-done','my order never came','{}','[{"action": "pause_mail", "tool": "pause_mail", "decided_by": "script", "propensity": 1.0}]','[]','script',1.0,'2026-11-25 22:16:23.265182',1);
CREATE TABLE inbox (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	tenant VARCHAR(64) NOT NULL, 
	source TEXT NOT NULL, 
	id TEXT NOT NULL, 
	type TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	time DATETIME NOT NULL, 
	data JSON NOT NULL, 
	body_hash VARCHAR(64) NOT NULL, 
	received_at DATETIME NOT NULL, 
	run VARCHAR(32), 
	outcome VARCHAR(32), 
	CONSTRAINT uq_inbox_event UNIQUE (tenant, source, id)
);
INSERT INTO "inbox" VALUES(1,'default','/tests','e-done','customer.upset','c-done','2026-11-25 22:16:23.004533','{"message": "my order never came"}','45f5107ac8de5ddfab7ecab9d2f2ccc4d3e283e0ed5c161908526928a2955766','2026-11-25 22:16:23.004558','01M8ACG1PX1QN86Z0ADT3TF80V',NULL);
INSERT INTO "inbox" VALUES(2,'default','/tests','o-done','customer.stayed','c-done','2026-11-25 22:16:23.300503','{"loyalty": 1}','5eb771161aea9ebd9dbef0b2cebaf52fc44c5fb26efdd33f232bc52a8ea6f489','2026-11-25 22:16:23.300528',NULL,'01M8ACG205W7S4W5C9V6FK2EG5');
INSERT INTO "inbox" VALUES(3,'default','/tests','e-waits','customer.upset','c-waits','2026-11-25 22:16:23.473763','{"message": "it broke"}','e1dbd34fdddab48ba4f8f1f4fb4bab4a7aaa61793dc1dab734c6a601dc2b7f49','2026-11-25 22:16:23.473785','01M8ACG25JV0TSJAWFGZ5ZTKJZ',NULL);
INSERT INTO "inbox" VALUES(4,'default','/tests','e-doubt','customer.upset','c-doubt','2026-11-25 22:16:23.578835','{"message": "it broke"}','bbf7d754b04ab481cd26ec8a2aa199d649bfb9c68457b271fca1645856e3562f','2026-11-25 22:16:23.578859','01M8ACG28VR0X23FG9V8AKB33Q',NULL);
INSERT INTO "inbox" VALUES(5,'default','/tests','e-queued','customer.upset','c-queued','2026-11-25 22:16:25.023556','{"message": "where is it"}','e6940a5e61212ffbd1a769d4871412d3a8e9628cdce62f50ba09c72f6748329a','2026-11-25 22:16:25.023543','01M8ACG3P6Y8J1NSGF8EZJSS46',NULL);
CREATE TABLE outcomes (
	id VARCHAR(32) NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	seq INTEGER NOT NULL, 
	type TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	run VARCHAR(32), 
	detail TEXT, 
	created_at DATETIME NOT NULL, 
	joined_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(seq) REFERENCES inbox (seq), 
	UNIQUE (seq)
);
INSERT INTO "outcomes" VALUES('01M8ACG205W7S4W5C9V6FK2EG5','default',2,'customer.stayed','c-done','joined','01M8ACG1PX1QN86Z0ADT3TF80V',NULL,'2026-11-25 22:16:23.300528','2026-11-25 22:16:23.414362');
CREATE TABLE rewards (
	outcome VARCHAR(32) NOT NULL, 
	goal VARCHAR(64) NOT NULL, 
	run VARCHAR(32) NOT NULL, 
	reward FLOAT NOT NULL, 
	PRIMARY KEY (outcome, goal), 
	FOREIGN KEY(outcome) REFERENCES outcomes (id)
);
INSERT INTO "rewards" VALUES('01M8ACG205W7S4W5C9V6FK2EG5','loyalty','01M8ACG1PX1QN86Z0ADT3TF80V',1.0);
CREATE TABLE runs (
	id VARCHAR(32) NOT NULL, 
	tenant VARCHAR(64) NOT NULL, 
	seq INTEGER NOT NULL, 
	event_type TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	segment INTEGER NOT NULL, 
	decided_by TEXT NOT NULL, 
	end_code VARCHAR(64), 
	end_detail TEXT, 
	spent_s FLOAT NOT NULL, 
	created_at DATETIME NOT NULL, 
	segment_started_at DATETIME, 
	closed_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(seq) REFERENCES inbox (seq), 
	UNIQUE (seq)
);
INSERT INTO "runs" VALUES('01M8ACG1PX1QN86Z0ADT3TF80V','default',1,'customer.upset','c-done','done',0,'script','finished','enough',0.255121,'2026-11-25 22:16:23.004558',NULL,'2026-11-25 22:16:23.265182');
INSERT INTO "runs" VALUES('01M8ACG25JV0TSJAWFGZ5ZTKJZ','default',3,'customer.upset','c-waits','waiting',0,'script',NULL,NULL,0.071771,'2026-11-25 22:16:23.473785',NULL,NULL);
INSERT INTO "runs" VALUES('01M8ACG28VR0X23FG9V8AKB33Q','default',4,'customer.upset','c-doubt','waiting',0,'script',NULL,NULL,0.064787,'2026-11-25 22:16:23.578859',NULL,NULL);
INSERT INTO "runs" VALUES('01M8ACG3P6Y8J1NSGF8EZJSS46','default',5,'customer.upset','c-queued','queued',0,'',NULL,NULL,0.0,'2026-11-25 22:16:25.023543',NULL,NULL);
CREATE INDEX ix_outcomes_run ON outcomes (run);
CREATE INDEX ix_outcomes_state ON outcomes (state);
CREATE INDEX ix_runs_queue ON runs (status, seq);
CREATE INDEX ix_runs_subject ON runs (tenant, subject, seq);
CREATE UNIQUE INDEX uq_runs_one_running_per_subject ON runs (tenant, subject) WHERE status = 'running';
CREATE INDEX ix_approvals_state ON approvals (tenant, state, created_at);
CREATE INDEX ix_effects_run ON effects (run, decision, position);
CREATE INDEX ix_effects_state ON effects (tenant, state, started_at);
CREATE UNIQUE INDEX uq_effects_nothing_unknown_of_its_like ON effects (tenant, "like") WHERE state IN ('claimed', 'unknown');
CREATE INDEX ix_episodes_closed ON episodes (tenant, closed_at);
CREATE INDEX ix_episodes_indexed ON episodes ("indexed");
CREATE INDEX ix_rewards_run ON rewards (run);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('inbox',5);
COMMIT;
