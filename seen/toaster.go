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
var Toasters = register(Fact[Toaster]{ID: "toaster", ask: either(`none absent`, `echo '== jls'; jls -n name ip4.addr ip6.addr 2>/dev/null
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
