<?php
// For PHP's own server with workers: GET /N writes the row N, through a
// connection of the request. HOST_MODULE is the module's name in the directory
// of extensions, empty for plain files; HOST_DATABASE a path.
$number = (int)substr($_SERVER['REQUEST_URI'], 1);
try {
  $module = getenv('HOST_MODULE');
  if ($module) {
    $first = new SQLite3(':memory:');
    $first->enableExceptions(true);
    $first->loadExtension($module);
    $first->querySingle('SELECT actorkv_default_vfs(1)');
    $first->close();
  }
  $db = new SQLite3(getenv('HOST_DATABASE'));
  $db->enableExceptions(true);
  $db->busyTimeout(60000);
  $insert = $db->prepare('INSERT INTO note VALUES(?, ?)');
  $insert->bindValue(1, $number % 4);
  $insert->bindValue(2, $number);
  $insert->execute();
  $db->close();
  echo 'ok';
} catch (Throwable $error) {
  http_response_code(500);
  echo $error->getMessage();
}
