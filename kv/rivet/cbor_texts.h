// The two shapes of CBOR (RFC 8949) in which Rivet 2.3 keeps what a connection
// has as lists in its pair:
//
//     map of texts     a0 + n, b8 n, b9 nn or ba nnnn: how many; then key and
//                      value of each
//     array of texts   80 + n, 98 n, 99 nn or 9a nnnn: how many; then each
//     text             60 + n, 78 n, 79 nn or 7a nnnn: its bytes; then these
//
// Numbers are big-endian, and in the shortest form that holds them. All other
// CBOR of Rivet's (state, input, bodies) is opaque here.

#ifndef ACTORKV_KV_RIVET_CBOR_TEXTS_H_
#define ACTORKV_KV_RIVET_CBOR_TEXTS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace actorkv {

using TextPairs = std::vector<std::pair<std::string, std::string>>;

// The order of `pairs` is kept.
std::string EncodeCborMap(const TextPairs& pairs);
std::string EncodeCborArray(const std::vector<std::string>& texts);

// Read what is in one of these shapes, numbers also in a longer form. False,
// with the output unchanged, for all else.
bool DecodeCborMap(std::string_view bytes, TextPairs* pairs);
bool DecodeCborArray(std::string_view bytes, std::vector<std::string>* texts);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_CBOR_TEXTS_H_
