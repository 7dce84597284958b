package does

import (
	"cmp"
	"fmt"
	"io/fs"
	"strings"

	"postern/remote"
)

// Dir is a directory. At an undo it goes when it is empty, and stays with what lies in it otherwise. The folders that lead to
// a File need no Dir.
type Dir struct {
	Path  string
	Mode  fs.FileMode // 0755 when zero
	Owner string      // root:root when empty
}

// Reads asks what is there.
func (d Dir) Reads() []remote.Query {
	return ifIs("dir", d.Path, "-d", "stat -L -c 'is %a %U:%G' -- "+remote.Quote(d.Path))
}

// Plan makes it, or gives it its mode and owner.
func (d Dir) Plan(seen Seen) ([]remote.Change, error) {
	mode, owner, err := dressed(d.Mode, d.Owner, 0o755)
	out, e := seen.said("dir " + d.Path)
	if err := cmp.Or(place(d.Path), err, e); err != nil {
		return nil, err
	}
	p, was := remote.Quote(d.Path), strings.Fields(out)
	c := remote.Change{ID: id("dir", d.Path)}
	switch {
	case len(was) == 3 && was[0] == "is" && octal.MatchString(was[1]) && ownerName.MatchString(was[2]):
		if was[1] == fmt.Sprintf("%o", mode) && was[2] == owner {
			return nil, nil
		}
		c.Title = fmt.Sprintf("give %s to %s, mode %o", d.Path, owner, mode)
		c.Undo = "[ ! -d " + p + " ] || { chown " + was[2] + " " + p + " && chmod " + was[1] + " " + p + "; }\n"
	case len(was) == 2 && was[0] == "below":
		c.Title, c.Why = "make the directory "+d.Path, "it stays as long as something lies in it"
		c.Do = "mkdir -p " + p + "\n"
		c.Undo = "rmdir " + p + " 2>/dev/null || :\n" + unmade(d.Path, was[1])
	default:
		return nil, fmt.Errorf("%s: it cannot be told what is there", d.Path)
	}
	c.Do += fmt.Sprintf("chown %s %s\nchmod %o %s\n", owner, p, mode, p)
	return []remote.Change{c}, nil
}
