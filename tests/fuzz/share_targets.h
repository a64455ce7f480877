// What is fuzzed of processes that share a store: what an owner reads of the
// others, and they of it.

#ifndef ACTORKV_TESTS_FUZZ_SHARE_TARGETS_H_
#define ACTORKV_TESTS_FUZZ_SHARE_TARGETS_H_

#include <string_view>

namespace actorkv {

// A frame, of either side. Whatever size its header says, the rest is the body.
void FuzzShareMessages(std::string_view input);

// What comes over a connection, in frames or not.
void FuzzShareFrames(std::string_view input);

// After a 0, an answer to OPEN, whose head a client takes; after anything else
// a COMMIT, of which the owner makes the head. Records come without their
// checks.
void FuzzShareHeads(std::string_view input);

}  // namespace actorkv

#endif  // ACTORKV_TESTS_FUZZ_SHARE_TARGETS_H_
