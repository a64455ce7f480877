// EngineDirectory: a RocksDB directory as Rivet's engine leaves it.

#ifndef ACTORKV_TESTS_SUPPORT_RIVET_ENGINE_DIRECTORY_H_
#define ACTORKV_TESTS_SUPPORT_RIVET_ENGINE_DIRECTORY_H_

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/pair_files.h"
#include "tests/support/rivet_engine_writer.h"
#include "tests/support/testing.h"

namespace actorkv {

class EngineDirectory {
 public:
  EngineDirectory() : path_(directory_.File("engine")) {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    EXPECT_TRUE(rocksdb::DB::Open(options, path_, &db).ok());
    db_.reset(db);
  }

  const std::string& path() const { return path_; }

  void Put(const std::string& key, const std::string& value) {
    EXPECT_TRUE(db_->Put({}, key, value).ok());
  }
  void Delete(const std::string& key) {
    EXPECT_TRUE(db_->Delete({}, key).ok());
  }
  void PutPair(const std::string& id, const std::string& key,
               const std::string& value) {
    for (size_t i = 0; i * 10'000 < value.size(); ++i) {
      Put(EncodeRivetEngineKey({id, key, i}), value.substr(i * 10'000, 10'000));
    }
    Put(EncodeRivetEngineKey({id, key, std::nullopt}),
        std::string("\2v1\0\0\0\0\0\0\0\0", 11));
  }
  // What is put later stays in the log.
  void Flush() { EXPECT_TRUE(db_->Flush({}).ok()); }
  void Close() { db_.reset(); }

  // Every file with its content and time.
  std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>>
  Files() const {
    std::map<std::string,
             std::pair<std::string, std::filesystem::file_time_type>>
        files;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(path_)) {
      const std::string name = entry.path().string();
      files[name] = {FileContents(name), entry.last_write_time()};
    }
    return files;
  }

 private:
  TempDir directory_;
  const std::string path_;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_RIVET_ENGINE_DIRECTORY_H_
