package seen

import (
	"cmp"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The places of Mail Toaster: where a jail's rules for pf lie today, and where they lay before; what loads them stands beside.
const (
	ToasterEtc = "/etc/mail-toaster" // …/JAIL/pf.conf.d, and one script for all jails
	JailData   = "/data"             // …/JAIL/etc/pf.conf.d, with a script in each
	JailConf   = "/etc/jail.conf.d"
	PFRule     = "pfrule.sh"
)

// Toaster is how the jails of a FreeBSD host stand.
type Toaster struct {
	Running    []BSDJail           // as jls tells them
	Configured []BSDJail           // as jail.conf and jail.conf.d tell them, with what they run
	Files      map[string]string   // the rules and tables of jails, by path
	Scripts    map[string]PFScript // what loads them, by path
	Feeders    map[string]bool     // who bans addresses, and whether it runs: sshguard, blacklistd, fail2ban
	Expires    bool                // addresses leave the table bruteforce some day
	Neighbours []netip.Addr        // who else answered on the host's other networks: virtual machines, as a rule

	Connections []Connection // among private addresses and those of jails, now or a moment ago
	Sockets     bool         // those of who shares the host's network stack could be told
	States      bool         // and those that pass pf, which runs
}

// BSDJail is one jail.
type BSDJail struct {
	Name      string
	Addresses []netip.Addr
	Conf      string   // the file that configures it
	Created   []string // what it runs on the host when it was created
	Stopped   []string // and when it has stopped
}

// PFScript is a script that loads the rules of jails.
type PFScript struct {
	Ours, Named, Tables bool // it is ours; it takes the name of the jail; it loads tables
	Runs                bool // it may be executed
}

// Toasters reads how the jails stand. There are none on another system.
var Toasters = register(Fact[Toaster]{ID: "toaster", ask: either(`none absent; return`, `echo '== jls'; jls -n name ip4.addr ip6.addr 2>/dev/null
echo '== conf'; for f in /etc/jail.conf `+JailConf+`/*.conf; do if [ -r "$f" ]; then
	printf 'file %s\n' "$f"
	grep -E '^[[:space:]]*("?[A-Za-z0-9_.-]+"?[[:space:]]*\{|\}|exec\.(created|poststop)|ip[46]\.addr)' "$f" | head -n 400 | sed 's/^/|/'
fi; done
echo '== files'; for f in `+ToasterEtc+`/*/pf.conf.d/* `+JailData+`/*/etc/pf.conf.d/*; do case $f in *.conf | *.table | */insecure_mua) if [ -f "$f" ]; then
	printf 'file %s\n' "$f"; head -n 300 "$f" | sed 's/^/|/'
fi ;; esac; done
echo '== scripts'; for f in `+ToasterEtc+"/"+PFRule+` `+JailData+`/*/etc/pf.conf.d/`+PFRule+`; do if [ -f "$f" ]; then
	w=; if [ -x "$f" ]; then w="$w runs"; fi
	if grep -q '^# Made by postern' "$f"; then w="$w ours"; fi
	if grep -qE 'JAIL_NAME|^jail=' "$f"; then w="$w named"; fi
	if grep -q -e '-T replace' "$f"; then w="$w tables"; fi
	printf '%s%s\n' "$f" "$w"
fi; done
echo '== feeders'; for n in sshguard blacklistd fail2ban; do
	if [ -e /usr/local/etc/rc.d/$n ] || [ -e /etc/rc.d/$n ]; then
		if pgrep -f "$n" >/dev/null 2>&1; then echo "$n runs"; else echo "$n is"; fi
	fi
done
if grep -qs 'bruteforce.*-T expire' /usr/local/etc/periodic/*/* /etc/periodic.conf /etc/crontab /var/cron/tabs/root; then echo 'bruteforce expires'; fi
echo '== neighbours'; arp -an 2>/dev/null | sed -n 's/^? (\([0-9.]*\)) at [0-9a-f:]* on \([a-z0-9]*\).*/\1 \2/p'; ndp -an 2>/dev/null | sed 1d | awk '$2 ~ /:/ { print $1, $3 }'
`+askConnections), parse: parseToaster})

func parseToaster(s sections) (Toaster, error) {
	v := Toaster{Files: map[string]string{}, Scripts: map[string]PFScript{}, Feeders: map[string]bool{}}
	for _, line := range s.lines("jls") {
		j, ok := parseJLS(strings.Fields(line))
		if !ok {
			return Toaster{}, odd("jls", line)
		}
		v.Running = append(v.Running, j)
	}
	v.Configured = parseJailConf(s["conf"])
	for file, lines := range filesOf(s["files"]) {
		v.Files[file] = strings.Join(lines, "")
	}
	for _, line := range s.lines("scripts") {
		w := strings.Fields(line)
		has := func(word string) bool { return slices.Contains(w[1:], word) }
		if clean(w[0]) {
			v.Scripts[w[0]] = PFScript{Ours: has("ours"), Named: has("named"), Tables: has("tables"), Runs: has("runs")}
		}
	}
	for _, line := range s.lines("feeders") {
		if name, how, _ := strings.Cut(line, " "); name == "bruteforce" {
			v.Expires = true
		} else if Name(name) {
			v.Feeders[name] = how == "runs"
		}
	}
	for _, line := range s.lines("neighbours") {
		text, _, _ := strings.Cut(line, " ")
		if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" && !slices.Contains(v.Neighbours, a) {
			v.Neighbours = append(v.Neighbours, a)
		}
	}
	var err error
	v.Connections, v.Sockets, v.States, err = parseConnections(s.lines("connections"))
	return v, err
}

// clean says whether a path is absolute, and each part of it a harmless name.
func clean(file string) bool {
	return path.IsAbs(file) && path.Clean(file) == file && len(file) < 200 &&
		!slices.ContainsFunc(strings.Split(file[1:], "/"), func(part string) bool { return !Name(part) })
}

// filesOf are files that were printed one after the other, each line of theirs behind a bar.
func filesOf(lines []string) map[string][]string {
	all, now := map[string][]string{}, ""
	for _, line := range lines {
		if file, is := strings.CutPrefix(line, "file "); is {
			if now = ""; clean(file) {
				now, all[file] = file, nil
			}
		} else if text, is := strings.CutPrefix(line, "|"); is && now != "" {
			all[now] = append(all[now], text+"\n")
		}
	}
	return all
}

// parseJLS reads name=dovecot ip4.addr=172.16.15.15,172.16.15.16 ip6.addr=fd00::f; a jail with a network of its own tells no address.
func parseJLS(w []string) (j BSDJail, ok bool) {
	for _, word := range w {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "name":
			j.Name = value
		case "ip4.addr", "ip6.addr":
			j.Addresses = append(j.Addresses, addressesIn(value)...)
		}
	}
	return j, Name(j.Name)
}

func addressesIn(text string) (all []netip.Addr) {
	for _, word := range strings.Split(text, ",") {
		if _, rest, on := strings.Cut(word, "|"); on { // lo1|172.16.15.15/32
			word = rest
		}
		word, _, _ = strings.Cut(strings.TrimSpace(word), "/")
		if a, err := netip.ParseAddr(word); err == nil && a.Zone() == "" {
			all = append(all, a)
		}
	}
	return all
}

var (
	jailBlock = regexp.MustCompile(`^\s*"?([A-Za-z0-9_.-]+)"?\s*\{`)
	jailParam = regexp.MustCompile(`^\s*(exec\.created|exec\.poststop|ip[46]\.addr)\s*\+?=\s*(.*?);?\s*$`)
)

// parseJailConf reads those lines of jail.conf that tell of a jail's addresses and of what runs on the host for it.
func parseJailConf(lines []string) (all []BSDJail) {
	for file, lines := range filesOf(lines) {
		at := -1
		for _, line := range lines {
			if m := jailBlock.FindStringSubmatch(line); m != nil {
				at, all = len(all), append(all, BSDJail{Name: m[1], Conf: file})
				if line = line[len(m[0]):]; strings.Contains(line, "}") {
					at = -1
				}
			} else if strings.HasPrefix(strings.TrimSpace(line), "}") {
				at = -1
			}
			m := jailParam.FindStringSubmatch(strings.TrimRight(line, "\n"))
			if m == nil || at < 0 {
				continue
			}
			j, value := &all[at], strings.Trim(m[2], `"'`)
			switch m[1] {
			case "exec.created":
				j.Created = append(j.Created, value)
			case "exec.poststop":
				j.Stopped = append(j.Stopped, value)
			default:
				j.Addresses = append(j.Addresses, addressesIn(value)...)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b BSDJail) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Conf, b.Conf))
	})
	return all
}

// Connection is one of TCP between two addresses, as far as it matters who may connect to whom.
type Connection struct {
	From, To netip.Addr
	Port     int
}

// askConnections prints who is connected to whom among the private addresses and those of jails, or was a moment ago, each once: from the
// sockets of the host, where the server's end is the one that listens, or is none of its own, and from the states of a pf that runs, which tell the direction. Both
// pass through awk first, because a busy host has many of each. A last word says what was told.
const askConnections = `echo '== connections'; { jls -n name ip4.addr ip6.addr 2>/dev/null
	if netstat -anW -p tcp 2>/dev/null || netstat -an -p tcp 2>/dev/null; then echo @ sockets; fi
	if pfctl -s Running >/dev/null 2>&1 && pfctl -ss 2>/dev/null; then echo @ states; fi
} | awk 'function near(a) { return a in own || a ~ /^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|f[cd][0-9a-f][0-9a-f]:)/ }
function port(end) { sub(/.*[.:[]/, "", end); sub(/[])]*$/, "", end); return end }
function host(end) { sub(/[].:[)]*[0-9]+[])]*$/, "", end); sub(/^\(/, "", end); sub(/^::ffff:/, "", end); return end }
function tell(from, to, at,   k) {
	k = from " " to " " at
	if (from == to || !near(from) || !near(to) || k in told) return
	told[k] = 1
	if (++n <= 2000) print k; else if (n == 2001) print "more"
}
$1 ~ /^name=/ { for (i = 2; i <= NF; i++) { sub(/^ip[46]\.addr=/, "", $i); k = split($i, a, ","); for (j = 1; j <= k; j++) own[a[j]] = 1 } next }
$1 == "@" { say[++says] = $2; next }
$1 ~ /^tcp/ { local[host($4)] = 1 }
$1 ~ /^tcp/ && $6 == "LISTEN" { listens[host($4) " " port($4)] = 1; next }
$1 ~ /^tcp/ && $6 ~ /^(ESTABLISHED|CLOSE_WAIT|FIN_WAIT_1|FIN_WAIT_2|CLOSING|LAST_ACK|TIME_WAIT)$/ { if (near(host($4)) && near(host($5))) { here[++ends] = $4; there[ends] = $5 } next }
$2 == "tcp" && $NF ~ /:/ && $NF !~ /SYN_SENT|CLOSED|NO_TRAFFIC|PROXY/ { for (i = 4; i < NF; i++) {
	if ($i ~ /^.-$/) tell(host($(i + 1)), host($3), port($3))
	if ($i ~ /^-.$/) tell(host($(i - 1)), host($(i + 1)), port($(i + 1)))
} }
END { for (i = 1; i <= ends; i++) {
	h = host(here[i]); hp = port(here[i]); t = host(there[i]); tp = port(there[i])
	score = t in local ? 0 : -1
	if ((h " " hp) in listens) score += 4
	else if (("* " hp) in listens) score += 2
	if ((t " " tp) in listens) score -= 4
	else if (t in local && ("* " tp) in listens) score -= 2
	if (0 < score) tell(t, h, hp)
	if (score < 0) tell(h, t, tp)
} for (i = 1; i <= says; i++) print say[i] }'`

// parseConnections reads FROM TO PORT, and what was told: the host's sockets, the states of pf. Where there are more than were printed, neither was.
func parseConnections(lines []string) (all []Connection, sockets, states bool, err error) {
	many := false
	for _, line := range lines {
		switch line {
		case "sockets":
			sockets = true
		case "states":
			states = true
		case "more":
			many = true
		default:
			one, ok := parseConnection(strings.Fields(line))
			if !ok {
				return nil, false, false, odd("connections", line)
			}
			if !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all, sockets && !many, states && !many, nil
}

func parseConnection(w []string) (c Connection, ok bool) {
	if len(w) != 3 {
		return c, false
	}
	from, err := netip.ParseAddr(w[0])
	to, err2 := netip.ParseAddr(w[1])
	c = Connection{From: from, To: to, Port: port(w[2])}
	return c, err == nil && err2 == nil && from.Zone()+to.Zone() == "" && from != to && c.Port > 0
}
