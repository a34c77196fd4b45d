"""What Segue costs, beside what it is built on: `segue bench`. See `docs/performance.md`."""
