#include "kv/share/head_fields.h"

#include <utility>

#include "kv/format/keys.h"
#include "kv/format/records.h"

namespace actorkv {
namespace {

Status Mismatch(const std::string& name, const char* what) {
  return Status::Corruption("the head of another process is damaged: " +
                            std::string(what) + ": actor=" + name);
}

// The lineage must begin with the head's branch, and get older.
Status CheckLineage(const HeadState& state, const Lineage& lineage,
                    const std::string& name) {
  if (lineage.empty()) return Mismatch(name, "it has no lineage");
  if (lineage.front().branch != state.head.snapshot.branch) {
    return Mismatch(name, "its lineage is of another branch");
  }
  for (size_t i = 1; i < lineage.size(); ++i) {
    if (!(lineage[i].branch < lineage[i - 1].branch)) {
      return Mismatch(name, "its lineage is not in order");
    }
  }
  return Status::Ok();
}

Status SetHead(const HeadFields& fields, const std::string& name,
               HeadState* state) {
  state->head_bytes = std::string(fields.head_bytes);
  if (Status s = DecodeRecord(HeadKey(), state->head_bytes, &state->head);
      !s.ok()) {
    return s.WithContext("actor=" + name);
  }
  auto lineage = std::make_shared<Lineage>();
  lineage->reserve(fields.lineage.size());
  for (const LineagePoint& point : fields.lineage) {
    lineage->push_back({point.actor, point.branch, point.txid});
  }
  if (Status s = CheckLineage(*state, *lineage, name); !s.ok()) return s;
  state->lineage = std::move(lineage);
  if (fields.first_page_hash.has_value()) {
    state->first_page_of = state->head.snapshot;
    state->first_page_hash = *fields.first_page_hash;
  }
  return Status::Ok();
}

}  // namespace

HeadFields FieldsOf(const HeadState& state) {
  HeadFields fields;
  fields.exists = state.exists;
  fields.is_legacy = state.is_legacy;
  fields.txid_floor = state.txid_floor;
  fields.generation_floor = state.generation_floor;
  fields.entry_bytes = state.entry_bytes;
  fields.head_bytes = state.head_bytes;
  if (state.lineage != nullptr) {
    fields.lineage.reserve(state.lineage->size());
    for (const BranchPoint& point : *state.lineage) {
      fields.lineage.push_back({point.actor, point.branch, point.txid});
    }
  }
  const Snapshot& head = state.head.snapshot;
  if (state.exists && head.page_count > 0 && state.first_page_of == head) {
    fields.first_page_hash = state.first_page_hash;
  }
  return fields;
}

Status StateOf(const HeadFields& fields, const std::string& name,
               std::shared_ptr<const HeadState>* state) {
  auto made = std::make_shared<HeadState>();
  made->exists = fields.exists;
  made->is_legacy = fields.is_legacy;
  made->txid_floor = fields.txid_floor;
  made->generation_floor = fields.generation_floor;
  made->entry_bytes = std::string(fields.entry_bytes);
  if (!made->entry_bytes.empty()) {
    Status s =
        DecodeRecord(ActorEntryKey(name), made->entry_bytes, &made->entry);
    if (!s.ok()) return s.WithContext("actor=" + name);
  }
  if (fields.exists != !fields.head_bytes.empty() ||
      fields.head_bytes.empty() != fields.lineage.empty()) {
    return Mismatch(name, "it exists, or has a head, but not both");
  }
  if ((fields.exists || fields.is_legacy) && fields.entry_bytes.empty()) {
    return Mismatch(name, "it has no entry");
  }
  if (fields.exists) {
    // The head decides, whatever the entry says (LoadHeadState()).
    made->entry.state = ActorState::kLive;
    if (Status s = SetHead(fields, name, made.get()); !s.ok()) return s;
  }
  *state = std::move(made);
  return Status::Ok();
}

}  // namespace actorkv
