package does

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"postern/remote"
)

// User is a system user that nobody logs in as, with a group of its own.
type User struct {
	Name string
	Home string // /nonexistent when empty; it is not made
}

// Reads asks for the user and the group.
func (u User) Reads() []remote.Query {
	ask := func(base string) string { return "{ getent " + base + " " + remote.Quote(u.Name) + " || [ $? = 2 ]; }" }
	return []remote.Query{remote.ReadShared("user "+u.Name, ask("passwd")+" && "+ask("group"))}
}

// Plan makes what is missing of the two. It refuses a name that root or a person goes by.
func (u User) Plan(seen Seen) ([]remote.Change, error) {
	home := cmp.Or(u.Home, "/nonexistent")
	out, err := seen.said("user " + u.Name)
	if err := cmp.Or(match(userName, u.Name, "the name of a user"), place(home), err); err != nil {
		return nil, err
	}
	missing := map[string]bool{"passwd": true, "group": true}
	for line := range strings.Lines(out) {
		switch f := strings.Split(strings.TrimSpace(line), ":"); len(f) {
		case 7:
			if uid, err := strconv.Atoi(f[2]); err != nil || uid == 0 || uid >= 1000 && uid < 65000 {
				return nil, fmt.Errorf("the user %q is already there and is no system user", u.Name)
			}
			delete(missing, "passwd")
		case 4:
			delete(missing, "group")
		}
	}
	c := remote.Change{ID: id("user", u.Name), Title: "make the system user " + u.Name}
	name := remote.Quote(u.Name)
	for _, base := range []struct{ name, add, del string }{ // an undo goes the other way round
		{"group", "groupadd --system " + name, "groupdel " + name},
		{"passwd", "useradd --system --gid " + name + " --home-dir " + remote.Quote(home) + " --no-create-home --shell /usr/sbin/nologin " + name, "userdel " + name},
	} {
		if missing[base.name] {
			c.Do += "getent " + base.name + " " + name + " >/dev/null || " + base.add + "\n"
			c.Undo = "! getent " + base.name + " " + name + " >/dev/null || " + base.del + "\n" + c.Undo
		}
	}
	if c.Do == "" {
		return nil, nil
	}
	return []remote.Change{c}, nil
}
