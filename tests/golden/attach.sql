-- One transaction over two actors: both or neither.
.open 'file:demo.store/alice?vfs=actorkv'
ATTACH 'file:demo.store/bob?vfs=actorkv' AS bob;
CREATE TABLE main.account(owner TEXT PRIMARY KEY, cents INTEGER CHECK (cents >= 0));
CREATE TABLE bob.account(owner TEXT PRIMARY KEY, cents INTEGER CHECK (cents >= 0));
INSERT INTO main.account VALUES ('alice', 500);
INSERT INTO bob.account VALUES ('bob', 0);

-- It commits: the commits of both actors have one id and one time.
BEGIN;
UPDATE main.account SET cents = cents - 200;
UPDATE bob.account SET cents = cents + 200;
COMMIT;
SELECT owner, cents FROM main.account UNION ALL SELECT owner, cents FROM bob.account;
SELECT count(DISTINCT commit_id) AS ids, count(DISTINCT committed_at_ms) AS times,
       count(*) AS commits
  FROM actorkv_commits
 WHERE txid = (SELECT max(txid) FROM actorkv_commits);

-- It rolls back: neither.
BEGIN;
UPDATE bob.account SET cents = cents + 400;
UPDATE main.account SET cents = cents - 400;
ROLLBACK;
SELECT owner, cents FROM main.account UNION ALL SELECT owner, cents FROM bob.account;

-- Another connection sees the same.
.open 'file:demo.store/bob?vfs=actorkv'
SELECT owner, cents FROM account;
