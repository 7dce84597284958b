#!/bin/bash
# The main job on a fresh machine, to watch: boots the lab, sets both hosts up in line mode from the laptop, proves it, and
# leaves the lab running.
set -eu -o pipefail
cd "$(dirname "$0")/.."
if [ "$(id -u)" != 0 ]; then
	echo "make lab: the lab needs root on Debian" >&2
	exit 1
fi
name=${LAB:-lab}
lab() { go run ./lab "$@"; }
say() { printf '\n== %s\n\n' "$*"; }

say "booting two hosts behind a home's NAT (go run ./lab up)"
lab down --name "$name" >/dev/null 2>&1 || true
lab up --name "$name" ${SUITE:+--suite "$SUITE"}
lab trust --name "$name"
answers=$PWD/bin/lab-$name.toml
cp lab/testdata/site.toml "$answers"

say "on the laptop: postern --plain --yes (an empty line answers what the answers file leaves open)"
lab exec --name "$name" laptop -- "$PWD/bin/postern" --plain --yes --site "$answers" < <(yes '')

say "on the laptop: postern check"
lab exec --name "$name" laptop -- "$PWD/bin/postern" check --plain --site "$answers"

cat <<EOF

The lab is up. Look around:
  go run ./lab exec --name $name proxy -- ufw status verbose
  go run ./lab exec --name $name mail -- wg show
  go run ./lab exec --name $name laptop -- $PWD/bin/postern check --site $answers
Take it away:
  go run ./lab down --name $name
EOF
