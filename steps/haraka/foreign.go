package haraka

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"postern/remote"
	"postern/site"
	"postern/steps/does"
)

// others asks for all that Haraka would read in the folders of the instances, which a person may have filled before us, as the guide
// has it, and for the guide's own folder. A folder of packages is named as one.
var others = remote.ReadShared("haraka files", `if cd /opt 2>/dev/null; then
	for p in haraka-in/config haraka-in/plugins haraka-in/node_modules haraka-in/package.json haraka-out/config haraka-out/plugins haraka-out/node_modules haraka-out/package.json; do
		if [ -e "$p" ]; then find "$p" -name node_modules -prune -print -o ! -type d -print; fi
	done | head -n 500
	if [ -e haraka/config ]; then echo haraka/config; fi
fi
echo end`)

var plainPath = regexp.MustCompile(`^haraka-(in|out)/[A-Za-z0-9_][A-Za-z0-9_./@+-]*$`)

// Foreign are the files of others in the folders of the instances, which Haraka reads beside ours.
type Foreign struct {
	Paths []string
	Odd   int  // more of them, with names that nothing is done with
	Guide bool // the guide's own folder is there, which nothing of ours reads
}

// ForeignOf is what was seen of them.
func ForeignOf(s *site.Site, h *site.Host, f remote.Facts) (found Foreign, err error) {
	said, ok := f.Get(others.ID)
	said, whole := strings.CutSuffix(said, "end\n")
	if !ok || !whole {
		return found, fmt.Errorf("%s: it could not be seen what lies in %s and %s", f.Host, in, out)
	}
	known := map[string]bool{}
	for dir, texts := range map[string]map[string]string{in: taking(s, h), out: sending(s, h)} {
		for _, name := range append(slices.Collect(maps.Keys(texts)), "config/tls_key.pem", "config/tls_cert.pem", "config/tls.pem", "config/tls.pem.before", "config/internalcmd_key", smarthostFile, smarthostPlugin, homewardFile, homewardPlugin) { // the last stay from other answers
			known[dir+"/"+name] = true
		}
	}
	for line := range strings.Lines(said) {
		line = strings.TrimSuffix(line, "\n")
		switch path := "/opt/" + line; {
		case line == "haraka/config":
			found.Guide = true
		case !plainPath.MatchString(line) || strings.Contains(line, ".."):
			found.Odd++
		case !known[path] && !strings.HasSuffix(path, ".new"): // of ours, while it is made
			found.Paths = append(found.Paths, path)
		}
	}
	slices.Sort(found.Paths)
	return found, nil
}

// Aside moves them into a folder beside, where Haraka does not read them; an undo brings them back.
func (f Foreign) Aside() (things []does.Thing) {
	for _, one := range []aside{{dir: in, unit: In}, {dir: out, unit: Out}} {
		for _, path := range f.Paths {
			if name, here := strings.CutPrefix(path, one.dir+"/"); here {
				one.names = append(one.names, name)
			}
		}
		if len(one.names) > 0 {
			things = append(things, one)
		}
	}
	return things
}

// aside is the move of some names of a folder.
type aside struct {
	dir, unit string
	names     []string
}

// Reads asks for nothing: what is there was seen.
func (aside) Reads() []remote.Query { return nil }

// Plan moves them.
func (a aside) Plan(does.Seen) ([]remote.Change, error) {
	to, words := a.dir+"/before-postern", ""
	for _, name := range a.names {
		words += " " + remote.Quote(name)
	}
	const move = "p=$1; if [ -e \"$from/$p\" ] && [ ! -e \"$to/$p\" ]; then mkdir -p \"$(dirname \"$to/$p\")\" && mv \"$from/$p\" \"$to/$p\"; fi"
	script := func(from, to, words string) string {
		return "from=" + from + " to=" + to + "\nset --" + words + "\nwhile [ $# -gt 0 ]; do " + move + "; shift; done\n"
	}
	return []remote.Change{{
		ID:    strings.TrimPrefix(a.dir, "/opt/haraka-") + ".aside",
		Title: "move what others left in " + a.dir + " to " + to + ", where Haraka does not read it: " + strings.Join(a.names, ", "),
		Do:    script(a.dir, to, words) + "systemctl try-restart " + a.unit + " 2>/dev/null || true\n",
		Undo:  script(to, a.dir, words) + "if [ -d " + to + " ]; then find " + to + " -depth -type d -empty -delete; fi\n",
	}}, nil
}
