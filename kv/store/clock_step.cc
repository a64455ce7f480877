#include "kv/store/clock_step.h"

#include <utility>

#include "kv/engine/prefix_scan.h"
#include "kv/format/keys.h"
#include "kv/format/record_frame.h"

namespace actorkv {

namespace {

constexpr uint8_t kSeenRunning = 1;  // flag

}  // namespace

std::string EncodeRecord(std::string_view key, const ClockStep& step) {
  std::string body = BeginRecord();
  AppendLittle64(&body, step.wall_us);
  AppendLittle64(&body, step.boot.boot_id);
  AppendLittle64(&body, step.boot.at_us);
  AppendLittle64(&body, step.jump_us);
  AppendByte(&body, step.seen_running ? kSeenRunning : uint8_t{0});
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value,
                    ClockStep* step) {
  FieldReader fields({});
  ClockStep decoded;
  if (Status s = OpenRecord("clock step", key, value, &fields); !s.ok()) {
    return s;
  }
  if (Status s = ParseClockStepKey(key, &decoded.begin_us); !s.ok()) return s;
  decoded.wall_us = fields.Little64();
  decoded.boot.boot_id = fields.Little64();
  decoded.boot.at_us = fields.Little64();
  decoded.jump_us = fields.Little64();
  decoded.seen_running = (fields.Byte() & kSeenRunning) != 0;
  if (Status s = CloseRecord("clock step", fields); !s.ok()) return s;
  if (decoded.begin_us < decoded.wall_us) {
    return DisagreesWithKey(
        "clock step", "time=" + std::to_string(decoded.begin_us),
        "wall_time=" + std::to_string(decoded.wall_us) + ", which is later");
  }
  *step = decoded;
  return Status::Ok();
}

Status LoadClockSteps(EngineReader* reader, std::vector<ClockStep>* steps) {
  std::vector<ClockStep> loaded;
  Status first;
  const std::string prefix = ClockStepPrefix();
  if (Status s = ForEachPair(reader, {CatalogPartition(), prefix, prefix},
                             [&](const KeyValue& pair) -> Status {
                               ClockStep step;
                               Status decoded =
                                   DecodeRecord(pair.key, pair.value, &step);
                               if (decoded.ok()) loaded.push_back(step);
                               if (first.ok()) first = std::move(decoded);
                               return Status::Ok();
                             });
      !s.ok()) {
    return s;
  }
  *steps = std::move(loaded);
  return first;
}

}  // namespace actorkv
