#!/bin/sh
# postern: brings the certificate of this name to the mail ports, as often as the web server has another one. With --check it only tells
# whether the one that is there was brought; with --show it gives it to Haraka alone.
name=@NAME@
set -u
umask 077
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
state=@STATE@
new=@RUN@/new.pem
haraka=@HARAKA@
@PAIRS@@SOUND@fails() { echo "not handed over: $*" >&2; exit 1; }
given() { [ -s "$state/given" ] && [ "$(print "$1")" = "$(cat "$state/given")" ]; }
if [ "${1-}" = --check ]; then
	set -- $(pairs | head -n 1)
	[ $# != 2 ] || given "$1"
	exit
fi
mkdir -p "$state"

# copy takes certificate and key as they are at one moment: the web server writes one after the other.
copy() {
	for n in 1 2 3 4 5; do
		set -- $(pairs | head -n 1)
		[ $# = 2 ] || { echo 'the web server has no certificate for this name yet' >&2; exit 0; }
		cat "$2" "$1" >"$new" 2>/dev/null
		why=$(sound "$new" </dev/null)
		[ -n "$why" ] || return 0
		sleep 1
	done
	fails "the web server's certificate: $why"
}

# show has Haraka read it; a file that was put there, and not read yet, counts as not there.
show() {
	if [ ! -e "$haraka" ] || cmp -s "$new" "$haraka" && [ "$(print "$haraka")" = "$(cat "$state/shown" 2>/dev/null)" ]; then return 0; fi
	[ -e "$haraka.before" ] || cp -p "$haraka" "$haraka.before" || return 1
	cat "$new" >"$haraka.new" && chown --reference="$haraka.before" "$haraka.new" && chmod --reference="$haraka.before" "$haraka.new" &&
		sync "$haraka.new" && mv -f "$haraka.new" "$haraka" && systemctl try-restart haraka-in.service && print "$haraka" >"$state/shown"
}

# serve has a web server that reads a file of others when it is told to, and only then, read it.
serve() {
	[ "$(print "$new")" = "$(cat "$state/served" 2>/dev/null)" ] || systemctl try-reload-or-restart "$1" && print "$new" >"$state/served"
}

# send hands it to a mail host, by its name, address and port: first what all of it adds up to, so that no part is ever taken for the whole.
send() {
	{ sha256sum <"$new" | cut -d ' ' -f 1; cat "$new"; } | timeout 90 ssh -F none -T -i @KEY@ -o IdentitiesOnly=yes -o BatchMode=yes \
		-o StrictHostKeyChecking=yes -o UserKnownHostsFile=@KNOWN@ -o GlobalKnownHostsFile=none -o UpdateHostKeys=no -o HostKeyAlias="$1" \
		-o ConnectTimeout=15 -o LogLevel=ERROR -p "$3" root@"$2" 2>&1 || { rc=$?; [ $rc != 124 ] || echo 'no answer in time'; return $rc; }
}

if [ "${1-}" = --show ]; then
	[ -d @RUN@ ] || { mkdir -m 700 @RUN@ && trap 'rm -rf @RUN@' EXIT; }
	copy
	show || fails 'Haraka could not be given it'
	exit
fi
while :; do
	copy
	@SERVES@show || fails 'Haraka could not be given it'
	@SENDS@
	print "$new" >"$state/given"
	set -- $(pairs | head -n 1) # another one came meanwhile, of which nobody is told twice
	[ $# = 2 ] && ! given "$1" || break
done
echo "handed over: $(openssl x509 -in "$new" -noout -enddate | cut -d = -f 2)"
