package seen

import (
	"strings"

	"fmt"

	"postern/remote"
)

// Ufw is what ufw says of itself.
type Ufw struct {
	Absent, Active             bool
	Incoming, Outgoing, Routed string // allow, deny, reject; of Routed also disabled
}

// UfwStatus reads what "ufw status verbose" would say, from where that reads it: its settings, and whether its chains run. ufw itself is
// Python, which on a small host takes as long to start as all the rest of a look.
var UfwStatus = register(Fact[Ufw]{ID: "ufw", ask: text(`command -v ufw >/dev/null || { none absent; return; }
input= output= forward= six=
for f in /etc/default/ufw /etc/ufw/ufw.conf; do
	[ -r "$f" ] || { echo "$f cannot be read"; return 3; }
	while IFS= read -r l || [ -n "$l" ]; do
		v=${l#*=} v=${v#[\"\']} v=${v%[\"\']}
		case $l in
		DEFAULT_INPUT_POLICY=*) input=$v ;;
		DEFAULT_OUTPUT_POLICY=*) output=$v ;;
		DEFAULT_FORWARD_POLICY=*) forward=$v ;;
		IPV6=*) six=$v ;;
		esac
	done <"$f"
done
word() { case $1 in
	[Aa][Cc][Cc][Ee][Pp][Tt]) w=allow ;;
	[Rr][Ee][Jj][Ee][Cc][Tt]) w=reject ;;
	[Dd][Rr][Oo][Pp]) w=deny ;;
	*) echo "a policy of ufw is $1"; return 3 ;;
esac; }
on() { # of a number there read gets one digit, and no end of the line
	[ -r "/proc/sys/net/$1" ] && { read -r v <"/proc/sys/net/$1" || :; [ "$v" = 1 ]; }
}
hung() { # the tool for rules, and how its chains begin
	r=$("$1" -S) || return 3
	for c in input output forward; do case $r in *"-N $2-user-$c"*) ;; *) return 1 ;; esac; done
}
word "$input" || return 3; input=$w; word "$output" || return 3; output=$w; word "$forward" || return 3; forward=$w
case $six in [Yy][Ee][Ss]) [ -e /proc/sys/net/ipv6 ] || six= ;; *) six= ;; esac
on ipv4/ip_forward || { [ "$six" ] && { on ipv6/conf/default/forwarding || on ipv6/conf/all/forwarding; }; } || forward=disabled
echo '== status'
hung iptables ufw || { [ $? = 3 ] && return 3; echo 'Status: inactive'; echo '== end'; return; }
[ -z "$six" ] || hung ip6tables ufw6 || { echo 'ufw runs over IPv4 only'; return 3; }
echo 'Status: active'
echo "Default: $input (incoming), $output (outgoing), $forward (routed)"`),
	parse: func(s sections) (Ufw, error) {
		if s.has("absent") {
			return Ufw{Absent: true}, nil
		}
		var u Ufw
		known := false
		for _, line := range s["status"] {
			key, value, _ := strings.Cut(line, ":")
			switch value = strings.TrimSpace(value); key {
			case "Status":
				u.Active, known = value == "active", value == "active" || value == "inactive"
			case "Default":
				for _, one := range strings.Split(value, ",") {
					word, what, _ := strings.Cut(strings.TrimSpace(one), " ")
					switch what {
					case "(incoming)":
						u.Incoming = word
					case "(outgoing)":
						u.Outgoing = word
					case "(routed)":
						u.Routed = word
					}
				}
			}
		}
		if !known || u.Active && u.Incoming == "" {
			return Ufw{}, fmt.Errorf("ufw status said %q", remote.Clean(strings.Join(s["status"], "\n")).Line(80))
		}
		return u, nil
	}})
