// cluster.js MODULE DATABASE PORT
//
// A cluster of four workers, each with a connection that it keeps; GET /N
// writes the row N. MODULE is empty for plain files.
'use strict';
const cluster = require('cluster');
const http = require('http');
const sqlite3 = require('sqlite3');

const [module_, database, port] = process.argv.slice(2);
const flags = sqlite3.OPEN_READWRITE | sqlite3.OPEN_CREATE | sqlite3.OPEN_URI;

// A worker that ends by itself is an error, and the end of all.
function lead() {
  for (let i = 0; i < 4; ++i) cluster.fork();
  cluster.on('exit', () => process.exit(1));
  process.on('SIGTERM', () => {
    cluster.removeAllListeners('exit');
    cluster.disconnect(() => process.exit(0));
  });
}

function serve() {
  const db = new sqlite3.Database(database, flags, (error) => {
    if (error) throw error;
    db.configure('busyTimeout', 60000);
    http.createServer((request, response) => {
      const n = Number(request.url.slice(1));
      db.run('INSERT INTO note VALUES(?, ?)', [n % 4, n], (failed) => {
        if (failed) response.statusCode = 500;
        response.end(failed ? String(failed) : 'ok');
      });
    }).listen(Number(port), '127.0.0.1');
  });
}

function load(then) {
  if (!module_) return then();
  const first = new sqlite3.Database(':memory:');
  first.loadExtension(module_, (error) => {
    if (error) throw error;
    first.close(then);
  });
}

if (cluster.isPrimary) lead(); else load(serve);
