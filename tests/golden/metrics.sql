-- What the process counts about itself.
.open 'file:demo.store/alice?vfs=actorkv'
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO note(body) VALUES ('one');
SELECT name, value, unit FROM actorkv_metrics
 WHERE name IN ('commits', 'commit_latency_count', 'commit_conflicts',
                'group_commits_p50', 'group_commits_max', 'open_stores',
                'open_actors', 'open_files', 'read_ahead_wasted');
SELECT name, unit FROM actorkv_metrics
 WHERE name LIKE 'commit_latency%' AND (value > 0) IS TRUE;
WITH RECURSIVE lines(line, rest) AS (
  SELECT NULL, actorkv_metrics_text()
  UNION ALL
  SELECT substr(rest, 1, instr(rest, char(10)) - 1),
         substr(rest, instr(rest, char(10)) + 1)
    FROM lines WHERE rest <> '')
SELECT line FROM lines
 WHERE line LIKE '%actorkv_commits_total%'
    OR line LIKE '%actorkv_commit_latency_seconds%le="%-06"%'
    OR line LIKE '# % actorkv_commit_latency_seconds %';
