package seen

import "strings"

// PublicKeys are those that can be made of the private ones of a host.
type PublicKeys struct {
	File string // of the key file; "" when there is none
	Conf string // of a PrivateKey that stands in the wg-quick file
}

// KeyOf prints the private key that stands in a wg-quick file, whose name is quoted already: for a pipe on its host and
// nothing else.
func KeyOf(conf string) string {
	return `sed -n '/^[[:space:]]*[Pp][Rr][Ii][Vv][Aa][Tt][Ee][Kk][Ee][Yy][[:space:]]*=[[:space:]]*\([A-Za-z0-9+\/=]*\).*/{s//\1/p;q;}' ` + conf
}

// Keys reads the public keys of the tunnel. No private key leaves the host: the public ones are made of them there.
var Keys = register(Fact[PublicKeys]{ID: "keys", args: tunnelName, ask: tunnelled(
	both(`d=/etc/wireguard`, `d=`+WireGuardBSD) + `
c=$d/@IFACE@.conf k=$d/@IFACE@.key
echo '== file'; if [ -s "$k" ]; then wg pubkey < "$k" 2>/dev/null; fi
echo '== conf'; if [ -e "$c" ]; then ` + KeyOf(`"$c"`) + ` | wg pubkey 2>/dev/null; fi`),
	parse: func(s sections) (PublicKeys, error) {
		var k PublicKeys
		for name, key := range map[string]*string{"file": &k.File, "conf": &k.Conf} {
			if said := strings.TrimSpace(s.one(name)); IsKey(said) {
				*key = said
			}
		}
		return k, nil
	}})
