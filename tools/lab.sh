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

postern() { lab exec --name "$name" laptop -- "$PWD/bin/postern" "$@" --site "$answers"; }

say "at the registrar and the provider: publish what 'postern export zone' writes out, and a DKIM key"
key=$(openssl genrsa 2048 2>/dev/null | openssl rsa -pubout -outform DER 2>/dev/null | base64 -w0)
{
	postern export zone
	printf 'dkim._domainkey.example.org. 300 IN TXT "v=DKIM1;k=rsa;p=%s" "%s"\n' "${key:0:200}" "${key:200}"
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
