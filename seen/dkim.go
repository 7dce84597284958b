package seen

import (
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"

	"postern/remote"
	"postern/site"
)

// SigningKey is what a mail server signs the mail of a domain with.
type SigningKey struct {
	Domain, Selector string
	Kind, Public     string // what stands behind k= and p= in its record; "" where the key could not be read
}

// mostKeys bounds how many of them one host may tell.
const mostKeys = 100

// signers finds the keys of the domains that are its arguments: a line each of domain, selector and public key. The private ones are
// read where they lie, and nothing of them is printed. rspamd tells its settings itself; {domain} blocks come before those for all.
const signers = `say() { [ -z "$2" ] || printf '%s %s %s\n' "$1" "$2" "$(openssl pkey -in "$3" -passin pass: -pubout -outform DER 2>/dev/null | base64 | tr -d '\n')"; }
runs() { cat /proc/[0-9]*/comm 2>/dev/null | grep -qx "$1"; }
mapped() { if [ -f "$1" ]; then awk -v d="$2" '$1 == d { print $2; exit }' "$1"; fi; }
if command -v rspamadm >/dev/null && runs rspamd; then
	conf=$(timeout 6 rspamadm configdump dkim_signing 2>/dev/null | awk -F '"' '
	BEGIN { n = 0 }
	/[{[]$/ { at[++n] = $0; gsub(/[ \t"{[]/, "", at[n]); sel[n] = path[n] = ""; next }
	/^[ \t]*[]}],?$/ {
		if (at[1] == "domain" && n == 4) { many = 1; print "of", at[2], sel[4] ? sel[4] : sel[2], path[4] ? path[4] : path[2] }
		if (at[1] == "domain" && n == 2) { if (!many) print "of", at[2], sel[2], path[2]; many = 0 }
		if (n) n--; next
	}
	{ key = $1; gsub(/[ \t=]/, "", key) }
	key == "selector" { sel[n] = $2 }
	key == "path" { path[n] = $2 }
	n == 0 && /use_redis = true/ { print "redis" }
	n == 0 && (key == "selector_map" || key == "path_map") { print key, $2 }
	END { print "all", sel[0] ? sel[0] : "dkim", path[0] ? path[0] : "/var/lib/rspamd/dkim/$domain.$selector.key" }' OFS='\t')
	of() { printf '%s\n' "$conf" | awk -F '\t' -v w="$1" -v d="$2" '$1 == w && (d == "" || $2 == d)'; }
	tab=$(printf '\t')
	for d; do
		if [ -n "$(of redis)" ]; then break; fi
		usual=$(of all | cut -f 2) where=$(of all | cut -f 3) own=$(of of "$d")
		if [ -z "$own" ]; then own="of$tab$d$tab$(mapped "$(of selector_map | cut -f 2)" "$d")$tab$(mapped "$(of path_map | cut -f 2)" "$d")"; fi
		printf '%s\n' "$own" | while IFS= read -r line; do
			s=$(printf '%s' "$line" | cut -f 3) f=$(printf '%s' "$line" | cut -f 4)
			s=${s:-$usual}
			say "$d" "$s" "$(printf '%s' "${f:-$where}" | sed 's|[$]domain|'"$d"'|g; s|[$]selector|'"$s"'|g')"
		done
	done
fi
if [ -r /etc/opendkim.conf ] && runs opendkim; then
	set_to() { awk -v k="$1" 'tolower($1) == k { is = $2 } END { print is }' /etc/opendkim.conf; }
	table=$(set_to keytable)
	for d; do
		if [ -n "$table" ]; then
			awk -v d="$d" '!/^#/ { split($2, w, ":"); if (w[1] == "%") w[1] = d; if (w[1] == d) print w[2], w[3] }' "${table#*:}" |
				while read -r s f; do say "$d" "$s" "$f"; done
		elif set_to domain | tr ',' '\n' | grep -qxF "$d"; then
			say "$d" "$(set_to selector)" "$(set_to keyfile)"
		fi
	done
fi`

// Signing reads which key the host's mail server, itself or in the container that takes its mail, signs with for each domain of the
// site; Mailcow keeps the public ones in its Redis. No private key leaves the host: the public ones are made of them there.
var Signing = register(Fact[[]SigningKey]{ID: "dkim", args: func(s *site.Site) string { return strings.Join(mailDomains(s), ",") },
	ask: func(s *site.Site, h *site.Host) string {
		var words []string
		for _, d := range mailDomains(s) {
			words = append(words, remote.Quote(d))
		}
		return ofMail("set -- "+strings.Join(words, " ")+"\nask="+remote.Quote(signers)+`
echo '== keys'; timeout 8 sh -c "$ask" sh "$@" 2>/dev/null
publishes | while read -r name; do timeout 8 docker exec "$name" sh -c "$ask" sh "$@" 2>/dev/null </dev/null; done
box=$(timeout 5 docker ps -q --filter label=com.docker.compose.service=redis-mailcow 2>/dev/null | head -n 1)
if [ -n "$box" ]; then
	for d; do timeout 8 docker exec "$box" sh -c 'REDISCLI_AUTH=$REDISPASS; export REDISCLI_AUTH
		p=$(redis-cli HGET DKIM_PUB_KEYS "$1") && [ -z "$p" ] || echo "$1 $(redis-cli HGET DKIM_SELECTORS "$1") $p"' sh "$d" 2>/dev/null </dev/null; done
fi; :`)(s, h)
	},
	parse: func(s sections) ([]SigningKey, error) {
		var list []SigningKey
		for _, line := range s.lines("keys") {
			w := strings.Fields(line)
			if len(w) < 2 || len(w) > 3 || !Name(w[0]) || !Name(w[1]) || len(list) == mostKeys {
				return nil, odd("the mail server", line)
			}
			one := SigningKey{Domain: strings.ToLower(w[0]), Selector: strings.ToLower(w[1])}
			if len(w) == 3 {
				one.Kind, one.Public = publicKey(w[2])
			}
			if !slices.Contains(list, one) {
				list = append(list, one)
			}
		}
		return list, nil
	}})

// mailDomains are those that mail is signed for.
func mailDomains(s *site.Site) []string {
	return slices.DeleteFunc(append([]string{s.Domain}, s.Domains...), func(d string) bool { return d == "" })
}

// publicKey is what a record holds of a key (RFC 6376, 3.6.1; RFC 8463, 3): nothing of what is none.
func publicKey(der64 string) (kind, public string) {
	der, err := base64.StdEncoding.DecodeString(der64)
	if err != nil {
		return "", ""
	}
	switch key, err := x509.ParsePKIXPublicKey(der); is := key.(type) {
	case *rsa.PublicKey:
		if err == nil {
			return "rsa", der64
		}
	case ed25519.PublicKey:
		return "ed25519", base64.StdEncoding.EncodeToString(is)
	}
	return "", ""
}
