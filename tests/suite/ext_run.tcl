# testfixture ext_run.tcl EXTVFS MODULE|"" TESTFILE|""
#
# Runs one test file of SQLite. Without one it only prepares a child process of
# a test file (ext_child), which then does what that says. With a module, its
# VFS is the default for everything that the test file opens, and Tcl's own file
# commands, as the tests use them, see the files of that VFS. EXTVFS is
# extvfs.c, built.
# Environment: EXT_VFS, EXT_ENTRY, EXT_INIT_SQL (see run-suite.sh).

lassign $argv ext_helper ext_module ext_test
set ext_script [file normalize [info script]]
set ext_helper [file normalize $ext_helper]
if {$ext_test ne ""} { set ext_test [file normalize $ext_test] }
set argv [list]
set argv0 $ext_test

if {$ext_module ne ""} {
  set ext_module [file normalize $ext_module]
  load $ext_helper Extvfs
  set ext_ready 0

  # Loads the module and puts the forwarding VFS over its VFS.
  proc ext_init {} {
    global env
    set ::ext_ready 1
    set before [extvfs list]
    ext_sqlite3 extdb :memory:
    extdb enable_load_extension 1
    if {[info exists env(EXT_ENTRY)]} {
      extdb eval {SELECT load_extension($::ext_module, $::env(EXT_ENTRY))}
    } else {
      extdb eval {SELECT load_extension($::ext_module)}
    }
    if {[info exists env(EXT_INIT_SQL)]} { extdb eval $env(EXT_INIT_SQL) }
    extdb close
    if {[info exists env(EXT_VFS)]} {
      set name $env(EXT_VFS)
    } else {
      set name ""
      foreach vfs [extvfs list] {
        if {$vfs ni $before} { set name $vfs; break }
      }
    }
    if {$name eq ""} {
      puts "EXT the module registers no VFS; there are: [extvfs list]"
      exit 3
    }
    extvfs wrap $name
    # What a child says is an answer.
    if {$::ext_test ne ""} { puts "EXT default VFS $name" }
  }

  rename sqlite3 ext_sqlite3
  proc sqlite3 {args} {
    if {[llength $args] >= 2 && ![string match -* [lindex $args 0]]} {
      if {!$::ext_ready} ext_init
      extvfs default
    }
    uplevel 1 ext_sqlite3 $args
  }

  # `file copy` and `file rename` of a file of the VFS.
  proc ext_copy {sub words} {
    set force [expr {"-force" in $words}]
    while {[lindex $words 0] in {-force --}} { set words [lrange $words 1 end] }
    lassign $words from to
    if {[extvfs exists $to] && !$force} { error "file exists: $to" }
    set content [extvfs read $from]
    ext_delete $to
    extvfs write $to $content
    if {$sub eq "rename"} { ext_delete $from }
  }

  # Deletes a main database by SQL where the VFS cannot, so that its name is
  # free again; what is still there afterwards gets a new generation.
  set ::ext_trash 0
  proc ext_delete {name} {
    if {[info exists ::env(EXT_DELETE_SQL)] && [extvfs exists $name]} {
      set full [extvfs full $name]
      set trash trash[incr ::ext_trash]
      ext_sqlite3 extdb :memory:
      extdb enable_load_extension 1
      catch {
        extdb eval {SELECT load_extension($::ext_module)}
        extdb eval $::env(EXT_DELETE_SQL)
      }
      extdb close
    }
    extvfs delete $name
  }

  proc ext_is_open {name} {
    expr {[file tail $name] in [lmap main [extvfs names] {file tail $main}]}
  }

  rename file ext_file
  proc file {sub args} {
    if {$::ext_ready} {
      set name [lindex $args 0]
      switch -- $sub {
        exists - isfile - readable - writable {
          if {[extvfs exists $name]} { return 1 }
        }
        size {
          if {[extvfs exists $name]} { return [extvfs size $name] }
          # A VFS may make a database only with its first commit.
          if {![ext_file exists $name] && [ext_is_open $name]} { return 0 }
        }
        delete {
          foreach name $args {
            if {$name ni {-force --}} { ext_delete $name }
          }
        }
        copy - rename {
          if {[extvfs exists [lindex $args end-1]]} {
            ext_copy $sub $args
            return ""
          }
        }
      }
    }
    uplevel 1 [list ext_file $sub {*}$args]
  }

  rename hexio_read ext_hexio_read
  proc hexio_read {name offset size} {
    if {!$::ext_ready || ![extvfs exists $name]} {
      return [ext_hexio_read $name $offset $size]
    }
    set last [expr {$offset + $size - 1}]
    binary scan [string range [extvfs read $name] $offset $last] H* hex
    return [string toupper $hex]
  }

  rename hexio_write ext_hexio_write
  proc hexio_write {name offset hex} {
    if {!$::ext_ready || ![extvfs exists $name]} {
      return [ext_hexio_write $name $offset $hex]
    }
    set bytes [binary format H* $hex]
    extvfs pwrite $name $offset $bytes
    return [string length $bytes]
  }

  # The plain form `glob -nocomplain PATTERN...` sees files of the VFS too.
  rename glob ext_glob
  proc glob {args} {
    set rc [catch { uplevel 1 [list ext_glob {*}$args] } found options]
    set error $found
    if {$rc} { set found {} }
    set plain 1
    foreach option {-directory -dir -path} {
      if {$option in $args} { set plain 0 }
    }
    if {$::ext_ready && $plain} {
      foreach main [extvfs names] {
        foreach suffix {"" -journal -wal} {
          set name $main$suffix
          foreach pattern $args {
            if {![string match -* $pattern] && [string match $pattern $name] &&
                $name ni $found && [extvfs exists $name]} {
              lappend found $name
            }
          }
        }
      }
    }
    if {$rc && ![llength $found]} { return -options $options $error }
    return $found
  }

  # Test files start other processes, which run what write_main_loop writes
  # (lock_common.tcl): those have the VFS too, and its names as they are now.
  proc ext_child {} {
    rename write_main_loop ext_write_main_loop
    proc write_main_loop {} {
      ext_write_main_loop
      set file [open tf_main.tcl]
      set loop [read $file]
      close $file
      set file [open tf_main.tcl w]
      puts $file [list set argv [list $::ext_helper $::ext_module ""]]
      puts $file [list source $::ext_script]
      foreach {name number} [extvfs generations] {
        puts $file [list extvfs generation $name $number]
      }
      puts $file $loop
      close $file
    }
  }
  rename source ext_source
  proc source {args} {
    set result [uplevel 1 [list ext_source {*}$args]]
    if {[ext_file tail [lindex $args end]] eq "lock_common.tcl"} ext_child
    return $result
  }

  rename exit ext_exit
  proc exit {{rc 0}} {
    if {$::ext_test ne ""} { catch { puts "EXT [extvfs stat]" } }
    flush stdout
    ext_exit $rc
  }
}

if {$ext_test ne ""} { source $ext_test }
