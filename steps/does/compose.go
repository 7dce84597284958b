package does

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/remote"
)

// Compose is a Docker Compose project: all its services run, with the settings that its files give them. What a service reads
// by itself from other files is a Command's affair. Images and volumes stay at an undo.
type Compose struct {
	Dir     string // where its compose file lies
	Project string // its name, as Compose calls it
}

// compose are the two ways to call it, and what Docker knows of the project even when its files are gone.
const compose = `c() { cd @D || return; if docker compose version >/dev/null 2>&1; then docker compose -p @P "$@"; else docker-compose -p @P "$@"; fi; }
list() { docker ps -a --no-trunc --filter label=com.docker.compose.project=@P "$@"; }
`

const composeSeen = `want=$(c config --hash '*') || exit 3
has=$(list --format '{{.Label "com.docker.compose.service"}} {{.Label "com.docker.compose.config-hash"}} {{.State}}') || exit 3
echo "$want" | sed 's/^/want /'
echo "$has" | sed 's/^/has /'
`

// composeUp fetches images first, so that no time is dark for it; those that are here already will do.
const composeUp = `c pull --ignore-pull-failures || :
was=$(list -q)
c up -d
list --format '{{.ID}} {{.Label "com.docker.compose.service"}}' | while read -r i s; do
	case $was in *"$i"*) ;; *) echo "a new container runs $s" ;; esac
done
`

// composeBack leaves the services that there were, @HAD, as the files want them, and takes the others away.
const composeBack = `for s in $(list --format '{{.Label "com.docker.compose.service"}}'); do
	case " @HAD " in *" $s "*) ;; *) docker rm -f $(list -q --filter label=com.docker.compose.service="$s") ;; esac
done
if [ -n "@HAD" ]; then c up -d @HAD; exit; fi
n=$(docker network ls -q --filter label=com.docker.compose.project=@P)
[ -z "$n" ] || docker network rm $n
`

func (p Compose) script(text, had string) string {
	return strings.NewReplacer("@P", p.Project, "@D", remote.Quote(p.Dir), "@HAD", had).Replace(compose + text)
}

// Reads asks what there is to be and what there is.
func (p Compose) Reads() []remote.Query {
	return []remote.Query{remote.ReadRun("compose "+p.Dir, p.script(composeSeen, ""))}
}

// Plan brings up what does not run, or not with its settings.
func (p Compose) Plan(seen Seen) ([]remote.Change, error) {
	if err := cmp.Or(place(p.Dir), match(projectName, p.Project, "the name of a Compose project")); err != nil {
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
			if f[3] == "running" {
				runs = append(runs, f[1]+" "+f[2])
			}
		}
	}
	switch missing := slices.ContainsFunc(want, func(s string) bool { return !slices.Contains(runs, s) }); {
	case want == nil:
		return nil, fmt.Errorf("%s has no services", p.Dir)
	case !missing:
		return nil, nil
	}
	return []remote.Change{{ID: id("compose", p.Project), Title: "bring up the containers of " + p.Dir, Risk: remote.LoseMail,
		Why: "only those that must are made anew; images and volumes stay when it is undone", Takes: 30 * time.Minute,
		Do: p.script(composeUp, ""), Undo: p.script(composeBack, strings.Join(had, " "))}}, nil
}
