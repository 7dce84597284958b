package does

import (
	"cmp"
	"fmt"
	"strings"

	"postern/remote"
)

// Keys are settings in a file of others. Its comments, its order and all other keys stay as they are.
type Keys struct {
	Path   string
	Syntax Syntax
	Set    []Key
	Test   string // sh that checks the new file, named by $NEW, before anything is changed
	Title  string // made of the names when empty
	InTurn bool   // the file changes when what comes before it runs
	Made   bool   // a file that is not there is made
	Top    bool   // they stand at the beginning, in this order
}

// Key is one setting, in the words of the file: quotes and blanks are part of Value.
type Key struct{ Section, Name, Value string }

// Reads asks for the file.
func (k Keys) Reads() []remote.Query { return []remote.Query{remote.ReadFile(k.Path)} }

// Plan sets the keys that have another value.
func (k Keys) Plan(seen Seen) ([]remote.Change, error) {
	var names []string
	for _, key := range k.Set {
		names = append(names, key.Name)
	}
	changes, err := edit("keys", k.Path, cmp.Or(k.Title, "set "+strings.Join(names, ", ")+" in "+k.Path), k.Test, seen, theirs(k.Made, func(text string) (string, error) {
		above, wrong := "", func(key Key) error { return fmt.Errorf("%s = %q does not read as one setting", key.Name, key.Value) }
		for _, key := range k.Set {
			line := k.Syntax.Put("", key)
			open := line + "'\n\"\n" // would an open end of the value take these in?
			if strings.ContainsAny(key.Section+key.Value, "\n\r\x00") || !keyName.MatchString(key.Name) || k.Syntax.Put(open, key) != open {
				return "", wrong(key)
			}
			if k.Top {
				above, text = above+line, k.Syntax.without(text, key)
			} else if text = k.Syntax.Put(text, key); k.Syntax.Put(text, key) != text {
				return "", wrong(key)
			}
		}
		return above + text, nil
	}))
	for i := range changes {
		changes[i].InTurn = k.InTurn
	}
	return changes, err
}
