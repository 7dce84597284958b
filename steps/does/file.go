package does

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"postern/remote"
)

// File is a file of ours, whole. The folders that lead to it are made, and taken away with it.
type File struct {
	Path  string
	Text  string
	Mode  fs.FileMode // 0644 when zero
	Owner string      // root:root when empty
	Test  string      // sh that checks the new file, named by $NEW, before anything is changed
	Title string      // made of the path when empty
	Gone  bool        // it must not be there
}

// Reads asks for the file.
func (f File) Reads() []remote.Query { return []remote.Query{remote.ReadFile(f.Path)} }

// Plan writes it, or takes it away.
func (f File) Plan(seen Seen) ([]remote.Change, error) {
	mode, owner, err := dressed(f.Mode, f.Owner, 0o644)
	want, title := &remote.File{Text: f.Text, Mode: mode, Owner: owner}, "write "+f.Path
	if f.Gone {
		want, title = nil, "take "+f.Path+" away"
	}
	return edit("file", f.Path, cmp.Or(f.Title, title), f.Test, seen, func(*remote.File) (*remote.File, error) { return want, err })
}

// edit is the change of one file to what is wanted in place of what was seen, none when that is the same.
func edit(kind, path, title, test string, seen Seen, want func(old *remote.File) (*remote.File, error)) ([]remote.Change, error) {
	if err := place(path); err != nil {
		return nil, err
	}
	old, err := seen.file(path)
	if err != nil {
		return nil, err
	}
	now, err := want(old)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case now == nil && old == nil, now != nil && old != nil && *now == *old:
		return nil, nil
	case now == nil:
		test = ""
	default:
		err = open(path, now.Text)
	}
	return []remote.Change{{ID: id(kind, path), Title: title, Path: path, Old: old, New: now, Test: test}}, err
}

var errAbsent = errors.New("the file is not there, and is not ours to make")

// theirs changes only the text of a file of others, which must be there, or may be made.
func theirs(made bool, change func(text string) (string, error)) func(*remote.File) (*remote.File, error) {
	return func(old *remote.File) (*remote.File, error) {
		now := remote.File{Mode: 0o644, Owner: "root:root"}
		switch {
		case old != nil:
			now = *old
		case !made:
			return nil, errAbsent
		}
		var err error
		now.Text, err = change(now.Text)
		return &now, err
	}
}
