package does

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"postern/remote"
)

// What a name may hold, so that it means one thing to every shell and tool that meets it.
var (
	packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)
	userName    = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	ownerName   = regexp.MustCompile(`^[a-z_][a-z0-9_-]*:[a-z_][a-z0-9_-]*$`)
	unitName    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(@[A-Za-z0-9_.-]*)?\.(service|socket|timer|path|target)$`)
	keyName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	projectName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]*$`)
	greeter     = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]*:[0-9]+$`)
	octal       = regexp.MustCompile(`^[0-7]{1,4}$`)
	filePath    = regexp.MustCompile(`^(/[A-Za-z0-9._@+-]+)+$`)
	sha256Hex   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	secretLine  = regexp.MustCompile(`(?im)^[ \t]*(?:[\w.-]*[_.-]|db|redis)?(?:private_?key|preshared_?key|passw(?:or)?d|pass|secret|token|api_?key)[ \t]*=[ \t]*["']?[^\s"'%$]+|-----BEGIN [A-Z ]*PRIVATE KEY`)
)

func match(re *regexp.Regexp, name, what string) error {
	if re.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%q is not %s", name, what)
}

// place is a path that may be written to.
func place(p string) error {
	if path.Clean(p) == p {
		return match(filePath, p, "an absolute path (letters, digits and . _ @ + -)")
	}
	return fmt.Errorf("%q is not a clean path", p)
}

// dressed is a mode and an owner, with the usual ones where none was given.
func dressed(mode fs.FileMode, owner string, usual fs.FileMode) (fs.FileMode, string, error) {
	if mode == 0 {
		mode = usual
	}
	if owner == "" {
		owner = "root:root"
	}
	return mode.Perm(), owner, match(ownerName, owner, "an owner (user:group)")
}

// open refuses a text with a secret in it: texts are shown and logged, so a secret is made on its host, by a Command.
func open(file, text string) error {
	for _, line := range secretLine.FindAllString(text, -1) {
		if !strings.Contains(line, "redacted:") {
			return fmt.Errorf("%s: a secret (%q) does not stand in a plan", file, strings.TrimSpace(strings.SplitN(line, "=", 2)[0]))
		}
	}
	return nil
}

// id names a change after the thing, in the letters that names of changes have.
func id(kind, name string) string {
	plain := func(r rune) rune {
		switch {
		case r == '/':
			return '.'
		case strings.ContainsRune("@+:\\", r):
			return '-'
		}
		return r
	}
	return kind + "." + strings.Map(plain, strings.TrimPrefix(name, "/"))
}

// ifIs asks a question where a path is what test(1) tells; for what is absent it asks for the nearest folder that is there.
func ifIs(kind, path, test, ask string) []remote.Query {
	return []remote.Query{remote.ReadShared(kind+" "+path, "p="+remote.Quote(path)+`
if [ `+test+` "$p" ]; then `+ask+`
elif [ -e "$p" ] || [ -h "$p" ]; then (exit 3)
else
	while [ ! -d "$p" ]; do p=${p%/*} && p=${p:-/}; done
	echo "below $p"
fi`)}
}

// unmade takes the folders away again that were made between there and a path, where nothing else lies in them.
func unmade(p, there string) string {
	sh := ""
	for d := path.Dir(p); d != there && d != "/"; d = path.Dir(d) {
		sh += "rmdir " + remote.Quote(d) + " 2>/dev/null || :\n"
	}
	return sh
}
