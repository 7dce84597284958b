#!/bin/sh
# postern: takes the certificate of this name that the proxy hands over, on its input, and has the mail servers show it. All that the
# proxy's key can do here is to run this.
name=@NAME@
set -u
umask 077
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
state=@STATE@
mine=@MINE@
new=$mine.new
any=@ANY@ # not empty: whichever comes is taken, an older one too, since the operator says which it is
@SOUND@refuses() { rm -f "$new"; echo "refused: $*"; exit 1; }
mkdir -p "$state" "${mine%/*}"
exec 9>"$state/lock"
flock -w 30 9 || { echo 'refused: another one is being taken'; exit 1; }
IFS= read -r sum || refuses 'nothing came'
head -c 100000 >"$new"
[ "$(sha256sum <"$new" | cut -d ' ' -f 1)" = "$sum" ] || refuses 'it did not come whole'
why=$(sound "$new" </dev/null)
[ -z "$why" ] || refuses "$why"
since() { date -d "$(openssl x509 -in "$1" -noout -startdate | cut -d = -f 2)" +%s; }
if [ -z "$any" ] && [ -s "$state/taken" ] && [ "$(print "$mine")" = "$(cat "$state/taken")" ] && [ -z "$(sound "$mine" </dev/null)" ] && [ "$(since "$new")" -lt "$(since "$mine")" ]; then
	refuses "one that is newer was taken before; rm $state/taken has this one taken"
fi
if cmp -s "$new" "$mine"; then rm -f "$new"; else sync "$new" && mv -f "$new" "$mine" || refuses "$mine cannot be written"; fi
if [ "$(print "$mine")" != "$(cat "$state/taken" 2>/dev/null)" ]; then
	@TELL@
	if [ -x "${mine%.pem}.hook" ]; then "${mine%.pem}.hook" || { echo "taken, but ${mine%.pem}.hook fails"; exit 1; }; fi
	print "$mine" >"$state/taken"
fi
