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

say "booting two hosts behind a home's NAT, one of them a mail server (go run ./lab up --mail plain)"
lab down --name "$name" >/dev/null 2>&1 || true
lab up --name "$name" --mail plain ${SUITE:+--suite "$SUITE"}
lab trust --name "$name"
answers=$PWD/bin/lab-$name.toml
{ cat lab/testdata/site.toml; printf '\n[mail]\nkind = "plain"\n'; } >"$answers"

postern() { lab exec --name "$name" laptop -- "$PWD/bin/postern" "$@" --site "$answers"; }

say "at the registrar and the provider: publish what 'postern export zone' writes out, and the mail server's DKIM key"
{
	postern export zone
	lab exec --name "$name" mail -- cat /var/lib/rspamd/dkim/dkim.zone
} | tee /dev/stderr | lab publish --name "$name"

say "on the laptop: postern --plain --yes (an empty line answers what the answers file leaves open)"
postern --plain --yes < <(yes '')

say "on the laptop: postern check"
postern check --plain

cat <<EOF

The lab is up. Look around:
  go run ./lab exec --name $name proxy -- ufw status verbose
  go run ./lab exec --name $name mail -- wg show
  go run ./lab exec --name $name laptop -- $PWD/bin/postern check --site $answers
Take it away:
  go run ./lab down --name $name
EOF
