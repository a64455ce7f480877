-- What runs here, and what its limits are.
.open 'file:demo.store/alice?vfs=actorkv'
SELECT name, value, unit, level
  FROM actorkv_info
 WHERE name NOT IN ('pid', 'sqlite_version', 'sqlite_source_id',
                    'rocksdb_version', 'store_created_at_ms', 'owner_pid',
                    'owner_program', 'store_engine');
SELECT name FROM actorkv_info WHERE level = 'warning';
SELECT actorkv_version();
