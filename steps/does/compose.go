package does

import (
	"cmp"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"postern/remote"
)

// Compose is a Docker Compose project: all its services run, with the settings that its files give them. What a service reads
// by itself from other files is a Command's affair. Images and volumes stay at an undo.
type Compose struct {
	Dir     string   // where its compose file lies
	Project string   // its name, as Compose calls it; empty: what its .env says
	Config  []string // the files that say its settings: when one changes, what they say was not seen yet
	Here    bool     // its images are: nothing is fetched for it
	Along   bool     // it is brought up along with the files that it reads, not afterwards
	At      string   // an address of the host that must be there before; "" for none
	Greets  []string // SERVICE:PORT within the containers: it is up when each says a first word
}

// compose are the two ways to call it, and what Docker knows of the project even when its files are gone.
const compose = `p=@P
c() { cd @D || return; if docker compose version >/dev/null 2>&1; then docker compose -p "$p" "$@"; else docker-compose -p "$p" "$@"; fi; }
list() { docker ps -a --no-trunc --filter "label=com.docker.compose.project=$p" "$@"; }
`

const composeSeen = `want=$(c config --hash '*') || exit 3
has=$(list --format '{{.Label "com.docker.compose.service"}} {{.Label "com.docker.compose.config-hash"}} {{.State}}') || exit 3
echo "$want" | sed 's/^/want /'
echo "$has" | sed 's/^/has /'
`

// composeFetch fetches images first, so that no time is dark for it; those that are here already will do.
const composeFetch = "c pull --ignore-pull-failures || :\n"

// dark notes when the old containers went, and light waits until the new ones greet, and tells how long nobody did.
const (
	dark = `dark() { [ -n "${went:-}" ] || went=$(date +%s); }
greets() {
	i=$(list -q --filter status=running --filter "label=com.docker.compose.service=${1%:*}" | head -n 1)
	[ -n "$i" ] && a=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$i") &&
		perl -MIO::Socket::INET -e 'alarm 12; my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], Timeout => 3) or exit 1; exit(sysread($s, my $word, 1) ? 0 : 1)' "${a%% *}:${1#*:}"
}
`
	light = `for s in @GREETS; do
	[ -n "${went:-}" ] || break
	until greets "$s"; do
		if [ $(($(date +%s) - went)) -gt 240 ]; then echo "$s greets nobody after 240 s"; exit 1; fi
		sleep 0.3
	done
	echo "told: $s was dark for $(($(date +%s) - went)) s"
done
`
)

const composeUp = dark + `exec 2>&1
[ -z "@AT" ] || ip -o address 2>/dev/null | grep -qF " @AT/" || { echo "@AT is none of this host's addresses yet: the tunnel comes first"; exit 1; }
was=$(list -q)
[ -z "$(list -q --filter status=running)" ] || dark
` + composeApart + `c up -d
list --format '{{.ID}} {{.Label "com.docker.compose.service"}}' | while read -r i s; do
	case $was in *"$i"*) ;; *) echo "a new container runs $s" ;; esac
done
` + light + "\n"

// composeApart ends all where the project's network has IPv6 and should not, or the other way round: Compose leaves a network as it is.
const composeApart = `six=$(c config 2>/dev/null | sed -n 's/^ *enable_ipv6: //p' | head -n 1)
n=$(docker network ls -q --filter "label=com.docker.compose.project=$p" | head -n 1)
if [ -n "$six" ] && [ -n "$n" ] && [ "$(docker network inspect --format '{{.EnableIPv6}}' "$n")" != "$six" ]; then c down; fi
`

// composeBack leaves the services that there were, @HAD, as the files want them, and takes the others away.
const composeBack = composeApart + `for s in $(list --format '{{.Label "com.docker.compose.service"}}'); do
	case " @HAD " in *" $s "*) ;; *) docker rm -f $(list -q --filter label=com.docker.compose.service="$s") ;; esac
done
if [ -n "@HAD" ]; then c up -d @HAD; exit; fi
n=$(docker network ls -q --filter label=com.docker.compose.project="$p")
[ -z "$n" ] || docker network rm $n
`

func (p Compose) script(text, had string) string {
	name := p.Project
	if name == "" {
		name = "$(sed -n 's/^COMPOSE_PROJECT_NAME=//p' @D/.env | tail -n 1)"
	}
	text = strings.Replace(compose, "@P", name, 1) + text
	return strings.NewReplacer("@D", remote.Quote(p.Dir), "@HAD", had, "@AT", p.At, "@GREETS", strings.Join(p.Greets, " ")).Replace(text)
}

// Reads asks what there is to be and what there is.
func (p Compose) Reads() []remote.Query {
	return []remote.Query{remote.ReadRun("compose "+p.Dir, p.script(composeSeen, ""))}
}

// Plan brings up what does not run, or not with its settings.
func (p Compose) Plan(seen Seen) ([]remote.Change, error) {
	if err := cmp.Or(place(p.Dir), match(projectName, cmp.Or(p.Project, path.Base(p.Dir)), "the name of a Compose project")); err != nil {
		return nil, err
	}
	for _, one := range p.Greets {
		if err := match(greeter, one, "a service and its port"); err != nil {
			return nil, err
		}
	}
	if _, err := netip.ParseAddr(p.At); p.At != "" && err != nil {
		return nil, err
	}
	out, err := seen.said("compose " + p.Dir)
	if err != nil {
		return nil, err
	}
	var want, runs, had []string
	for line := range strings.Lines(out) {
		switch f := strings.Fields(line); {
		case len(f) == 3 && f[0] == "want":
			want = append(want, f[1]+" "+f[2])
		case len(f) == 4 && f[0] == "has" && projectName.MatchString(f[1]):
			had = append(had, f[1])
			if f[3] == "running" || f[3] == "restarting" { // which it would be once more
				runs = append(runs, f[1]+" "+f[2])
			}
		}
	}
	switch missing := slices.ContainsFunc(want, func(s string) bool { return !slices.Contains(runs, s) }); {
	case want == nil:
		return nil, fmt.Errorf("%s has no services", p.Dir)
	case !missing && !seen.edits(p.Config):
		return nil, nil
	}
	c := remote.Change{ID: id("compose", cmp.Or(p.Project, path.Base(p.Dir))), Title: "bring up the containers of " + p.Dir, Risk: remote.LoseMail,
		Why: "only those that must are made anew; images and volumes stay when it is undone", Takes: 30 * time.Minute,
		Do: p.script(composeFetch+composeUp, ""), Undo: p.script(composeBack, strings.Join(had, " "))}
	if p.Here {
		c.Do, c.Takes = p.script(composeUp, ""), 8*time.Minute
	}
	return []remote.Change{c}, nil
}

// Again is what starts the containers of a service anew, where they run, for what they read by themselves.
func (p Compose) Again(name, service string) Command {
	anew := `i=$(list -q --filter status=running --filter label=com.docker.compose.service=` + remote.Quote(service) + ")\n"
	return Command{ID: name, Title: "start " + service + " anew", Risk: remote.LoseMail, Takes: 5 * time.Minute,
		Do: p.script(dark+anew+"[ -z \"$i\" ] || { dark; docker restart $i >/dev/null; }\n"+light, ""), Undo: p.script(anew+"[ -z \"$i\" ] || docker restart $i >/dev/null\n", "")}
}
