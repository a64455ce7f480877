// Checks of a commit that is about to be made (kv/base/invariant.h). They know
// nothing of who made it: they look at its batch, at what is stored, and at the
// head that it makes.
//
// Each returns what is broken, and where; empty: nothing.

#ifndef ACTORKV_KV_PAGES_COMMIT_CHECKS_H_
#define ACTORKV_KV_PAGES_COMMIT_CHECKS_H_

#include <string>

#include "kv/engine/engine.h"
#include "kv/store/actor.h"

namespace actorkv {

// The digest of larger databases is not computed anew with each commit.
constexpr PageNo kMaxCheckedPages = 64;

// Each chunk of the batch decodes, and the base of each delta is a whole
// version of its page in its branch, stored or in the batch (kv/README.md,
// invariant 9). For copies that flattening makes, too: those have no base in
// their new branch, so they are whole.
std::string BreachInDeltas(Engine* engine, const Batch& batch);

// The digest in the head that the commit makes is the sum of the hashes of its
// pages (kv/README.md, invariant 7). Says nothing for more than
// kMaxCheckedPages.
std::string BreachInDigest(Engine* engine, const HeadState& made,
                           const Batch& batch);

// Both, and the page list (kv/pages/page_list_check.h), of one actor of the
// commit, whose state `made` is. A commit whose guards do not hold is refused,
// whatever it has, and not judged.
std::string BreachInCommit(Engine* engine, const std::string& actor,
                           const HeadState& made, const Batch& batch);

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_COMMIT_CHECKS_H_
