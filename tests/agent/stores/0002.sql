BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
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
INSERT INTO "approvals" VALUES('01M8ACGGFPTEZA67FWVEDZWJG7','default','01M8ACGGCQA6WVBC08TEF198HZ',1,0,'call','pay_back','{"amount": 5, "customer": "c-waits"}','12161dc8033d58973846fb0b75f9c94e26547d6675c8d4bd3c16a06c316faa41',NULL,'pending',NULL,NULL,'2026-11-25 22:16:38.134512',NULL);
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
INSERT INTO "calls" VALUES('01M8ACGFTEJSRJB63K2NFP33Q3',1,0,'pause_mail','{"customer": "c-done"}','pause_mail',NULL,1.0,'script','permitted',NULL);
INSERT INTO "calls" VALUES('01M8ACGGCQA6WVBC08TEF198HZ',1,0,'pay_back','{"amount": 5, "customer": "c-waits"}','pay_back',NULL,1.0,'script','approval',NULL);
INSERT INTO "calls" VALUES('01M8ACGGGP7P1AD213BX9PV5A2',1,0,'book_call','{"note": "please call", "customer": "c-doubt"}','book_call',NULL,1.0,'script','permitted',NULL);
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
INSERT INTO "decisions" VALUES('01M8ACGFTEJSRJB63K2NFP33Q3',1,'act','scripted','script',0,'[]','{}',NULL,'2026-11-25 22:16:37.689715');
INSERT INTO "decisions" VALUES('01M8ACGFTEJSRJB63K2NFP33Q3',2,'finish','enough','script',0,'[]','{}',NULL,'2026-11-25 22:16:37.764414');
INSERT INTO "decisions" VALUES('01M8ACGGCQA6WVBC08TEF198HZ',1,'act','scripted','script',0,'[]','{}',NULL,'2026-11-25 22:16:38.134512');
INSERT INTO "decisions" VALUES('01M8ACGGGP7P1AD213BX9PV5A2',1,'act','scripted','script',0,'[]','{}',NULL,'2026-11-25 22:16:38.214821');
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
INSERT INTO "effects" VALUES('01M8ACGFTEJSRJB63K2NFP33Q3:1:0','default','01M8ACGFTEJSRJB63K2NFP33Q3',1,0,'pause_mail','c-done','{"customer": "c-done"}','60ed039945d1d2b3da0fa8be0faa972eff466440575b7f49a84bd39f13f6def3','done','{"paused": true}',NULL,1,NULL,NULL,'2026-11-25 22:16:37.728423','2026-11-25 22:16:37.748338');
INSERT INTO "effects" VALUES('01M8ACGGGP7P1AD213BX9PV5A2:1:0','default','01M8ACGGGP7P1AD213BX9PV5A2',1,0,'book_call','c-doubt','{"note": "please call", "customer": "c-doubt"}','138e0cf6fa642c43d85348a69ec45816c6e64c83d4d110bd7df9c1efb3fc5305','unknown',NULL,'book_call failed: ConnectionResetError: the line went dead',1,NULL,NULL,'2026-11-25 22:16:38.226817','2026-11-25 22:16:38.240853');
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
INSERT INTO "episodes" VALUES('01M8ACGFTEJSRJB63K2NFP33Q3','default','/tests','e-done','customer.upset','c-done','my order never came','{}','[{"action": "pause_mail", "tool": "pause_mail", "decided_by": "script", "propensity": 1.0}]','[]','script',1.0,'2026-11-25 22:16:37.780222',1);
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
INSERT INTO "inbox" VALUES(1,'default','/tests','e-done','customer.upset','c-done','2026-11-25 22:16:37.454145','{"message": "my order never came"}','366e638824f3668e880f6e20a690fabec90e600a8b7c718ce1adbdb50930b976','2026-11-25 22:16:37.454178','01M8ACGFTEJSRJB63K2NFP33Q3',NULL);
INSERT INTO "inbox" VALUES(2,'default','/tests','o-done','customer.stayed','c-done','2026-11-25 22:16:37.874757','{"loyalty": 1}','2fa006edb19cc2a9ccd4790dd4d607d343a3233092fe9ae9f15259c011c4ecff','2026-11-25 22:16:37.874778',NULL,'01M8ACGG7K30BAFSSTRQEKHE8V');
INSERT INTO "inbox" VALUES(3,'default','/tests','e-waits','customer.upset','c-waits','2026-11-25 22:16:38.038831','{"message": "it broke"}','22a0861733dc7fa81f3937e8d44efed0e19c75469d0622abbcb212ed23aacdc6','2026-11-25 22:16:38.038856','01M8ACGGCQA6WVBC08TEF198HZ',NULL);
INSERT INTO "inbox" VALUES(4,'default','/tests','e-doubt','customer.upset','c-doubt','2026-11-25 22:16:38.166412','{"message": "it broke"}','b7e9f0fb14100f4a489a1de036f40ee60a15ddbb6eb93ca0e75304fbdac78016','2026-11-25 22:16:38.166441','01M8ACGGGP7P1AD213BX9PV5A2',NULL);
INSERT INTO "inbox" VALUES(5,'default','/tests','e-queued','customer.upset','c-queued','2026-11-25 22:16:39.457467','{"message": "where is it"}','7732727e6578288db3b10d28aaf01279f94ac5ac55498b539a7a09dafbb40416','2026-11-25 22:16:39.457453','01M8ACGHS4ADYAJ022SJKQTDF3',NULL);
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
INSERT INTO "outcomes" VALUES('01M8ACGG7K30BAFSSTRQEKHE8V','default',2,'customer.stayed','c-done','joined','01M8ACGFTEJSRJB63K2NFP33Q3',NULL,'2026-11-25 22:16:37.874778','2026-11-25 22:16:37.980238');
CREATE TABLE rewards (
	outcome VARCHAR(32) NOT NULL, 
	goal VARCHAR(64) NOT NULL, 
	run VARCHAR(32) NOT NULL, 
	reward FLOAT NOT NULL, 
	PRIMARY KEY (outcome, goal), 
	FOREIGN KEY(outcome) REFERENCES outcomes (id)
);
INSERT INTO "rewards" VALUES('01M8ACGG7K30BAFSSTRQEKHE8V','loyalty','01M8ACGFTEJSRJB63K2NFP33Q3',1.0);
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
INSERT INTO "runs" VALUES('01M8ACGFTEJSRJB63K2NFP33Q3','default',1,'customer.upset','c-done','done',0,'script','finished','enough',0.325272,'2026-11-25 22:16:37.454178',NULL,'2026-11-25 22:16:37.780222');
INSERT INTO "runs" VALUES('01M8ACGGCQA6WVBC08TEF198HZ','default',3,'customer.upset','c-waits','waiting',0,'script',NULL,NULL,0.102528,'2026-11-25 22:16:38.038856',NULL,NULL);
INSERT INTO "runs" VALUES('01M8ACGGGP7P1AD213BX9PV5A2','default',4,'customer.upset','c-doubt','waiting',0,'script',NULL,NULL,0.089984,'2026-11-25 22:16:38.166441',NULL,NULL);
INSERT INTO "runs" VALUES('01M8ACGHS4ADYAJ022SJKQTDF3','default',5,'customer.upset','c-queued','queued',0,'',NULL,NULL,0.0,'2026-11-25 22:16:39.457453',NULL,NULL);
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
CREATE INDEX ix_episodes_type ON episodes (tenant, event_type, closed_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('inbox',5);
COMMIT;
