package does

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"postern/remote"
)

// Npm is a project of npm packages, made from a lock file of ours: each package is what its integrity hash says, and none runs
// a script while it is installed. They come from the registry that the host's npm is told of (/etc/npmrc), whatever host the
// lock file names. What is optional is left out: npm would leave out what it cannot get, and not say so. A new version belongs
// into a new folder.
type Npm struct {
	Dir  string
	Lock string // the text of package-lock.json
}

// Reads asks for the lock file, and whether what it names was installed whole.
func (n Npm) Reads() []remote.Query {
	return append(File{Path: n.Dir + "/package-lock.json"}.Reads(), remote.ReadShared("npm "+n.Dir,
		"if cmp -s "+remote.Quote(n.Dir+"/package-lock.json")+" "+remote.Quote(n.Dir+"/node_modules/.postern")+"; then echo whole; fi"))
}

// Plan installs it, unless that was done. It refuses a lock file that leaves open what is installed.
func (n Npm) Plan(seen Seen) ([]remote.Change, error) {
	path := n.Dir + "/package-lock.json"
	manifest, count, err := n.manifest()
	out, e := seen.said("npm " + n.Dir)
	old, e2 := seen.file(path)
	if err := cmp.Or(place(n.Dir), err, e, e2); err != nil {
		return nil, err
	}
	if old != nil && old.Text != n.Lock {
		return nil, fmt.Errorf("%s is another project's: a new version belongs into a new folder", path)
	}
	if old != nil && strings.TrimSpace(out) == "whole" {
		return nil, nil
	}
	return []remote.Change{{ID: id("npm", n.Dir), Title: fmt.Sprintf("install %d npm packages in %s", count, n.Dir),
		Why:  "each is compared with its hash, and none runs a script while it is installed",
		Path: path, Old: old, New: &remote.File{Text: n.Lock, Mode: 0o644, Owner: "root:root"}, Takes: 10 * time.Minute,
		Do:   strings.NewReplacer("@DIR", remote.Quote(n.Dir), "@MANIFEST", remote.Quote(manifest)).Replace(npmDo),
		Undo: "cd " + remote.Quote(n.Dir) + " 2>/dev/null || exit 0\nrm -rf node_modules .home package.json\n"}}, nil
}

const npmDo = `cd @DIR
printf '%s\n' @MANIFEST >package.json
export HOME=@DIR/.home npm_config_cache=@DIR/.home npm_config_update_notifier=false npm_config_replace_registry_host=always
rm -f .home/done
{ npm ci --ignore-scripts --omit=dev --omit=optional --no-audit --no-fund --loglevel=http && : >.home/done; } 2>&1 | sed '/EBADENGINE/d'
[ -e .home/done ]
rm -rf .home
cp package-lock.json node_modules/.new
mv node_modules/.new node_modules/.postern
`

// manifest is the package.json that fits the lock file, and how many packages that names.
func (n Npm) manifest() (text string, count int, err error) {
	type wanted struct {
		Private              bool              `json:"private"`
		Dependencies         map[string]string `json:"dependencies,omitempty"`
		OptionalDependencies map[string]string `json:"optionalDependencies,omitempty"`
	}
	var lock struct {
		Packages map[string]struct {
			wanted
			Resolved, Integrity string
			Dev, Optional       bool
		}
	}
	if err := json.Unmarshal([]byte(n.Lock), &lock); err != nil || lock.Packages[""].Dependencies == nil {
		return "", 0, fmt.Errorf("%s: its lock file is none (version 2 or 3)", n.Dir)
	}
	for name, p := range lock.Packages {
		if name != "" && !p.Dev && !p.Optional {
			count++
		}
		if name != "" && (!strings.HasPrefix(p.Integrity, "sha512-") || !strings.HasPrefix(p.Resolved, "https://")) {
			return "", 0, fmt.Errorf("%s: %q has no sha512 integrity, or does not come by https", n.Dir, name)
		}
	}
	manifest := lock.Packages[""].wanted
	manifest.Private = true
	b, err := json.Marshal(manifest)
	return string(b), count, err
}
