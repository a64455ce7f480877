#!/bin/bash
# fetch_source.sh PACKAGE DIR [OPTION...]
#
# Downloads the source package of an installed Debian package into DIR, in the
# version that is installed, unless something is there. The source lines for
# apt are made from the machine's own package sources, in a directory apart;
# its configuration is not touched. OPTION: of `apt-get source`.
set -euo pipefail
package=$1
dir=$2
shift 2
if [ -d "$dir" ]; then exit 0; fi

apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
mkdir -p "$apt/lists/partial" "$apt/parts" "$dir.tmp"
dir=$(cd "$(dirname "$dir")" && pwd)/$(basename "$dir")
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  if [ -f "$file" ]; then
    sed -n 's/^deb /deb-src /p' "$file" >>"$apt/parts/source.list"
  fi
done
for file in /etc/apt/sources.list.d/*.sources; do
  if [ -f "$file" ]; then
    sed 's/^Types:.*/Types: deb-src/' "$file" >"$apt/parts/$(basename "$file")"
  fi
done
options=(-qq -o APT::Sandbox::User=root -o Dir::State::Lists="$apt/lists"
  -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts")
name=$(dpkg-query -W -f '${source:Package}' "$package")
version=$(dpkg-query -W -f '${source:Version}' "$package")
cd "$dir.tmp"
apt-get "${options[@]}" update
# When the archive has moved on, the newest of the release will do.
apt-get "${options[@]}" source --download-only "$@" "$name=$version" ||
  apt-get "${options[@]}" source --download-only "$@" "$name"
mv "$dir.tmp" "$dir"
