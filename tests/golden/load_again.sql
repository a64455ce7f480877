-- Loading again, in the same connection or a later one, does no harm.
SELECT load_extension('./actorkv') IS NULL AS loaded;
.open 'file:demo.store/alice?vfs=actorkv'
SELECT load_extension('./actorkv') IS NULL AS loaded;
SELECT actorkv_version() IS NOT NULL AS there;
