package site

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
)

// header stands at the top of a new file.
const header = `# Answers for postern: which hosts there are and what they are for. Edit it freely: comments, order and keys that
# postern does not know are kept. What is not here has its usual value; "postern fields" lists every key.
# There is no secret in it: passwords are asked for, and private keys never leave their hosts.

`

// ErrChanged means that somebody else wrote the file since it was read.
var ErrChanged = errors.New("was changed by somebody else since it was read; run postern again")

// File is a site with the file it is kept in.
type File struct {
	Path    string
	Site    *Site
	Unknown []string // keys that are not ours, each as a line to show; they stay in the file
	Notes   []string // what else the operator should know, each as a line to show

	last   *reader         // as it was read or saved last
	saved  bool            // there is a file
	asked  map[string]bool // keys that were set by name: they are written even when they have their usual value
	heard  func(*Site)     // of one that is kept in memory only: told of each Save; may be nil
	given  map[string]bool // of one that is kept in memory only: the keys that were set by name and saved
	rename func(from, to string) error
}

// NewFile is a file that does not exist yet. Its Save makes it, and the folder it is in.
func NewFile(path string, s *Site) *File {
	empty, _ := read(path, "")
	return &File{Path: path, Site: s, last: empty, asked: map[string]bool{}, rename: os.Rename}
}

// InMemory is a file that is kept nowhere: its Save keeps it for this run of the program only. The name stands for its path.
// What the site says already are suggestions: only what is set by name counts as an answer that the file Has. heard, which may be nil, is told of each Save.
func InMemory(name string, s *Site, heard func(*Site)) *File {
	f := NewFile(name, s)
	f.given, f.heard = map[string]bool{}, heard
	return f
}

// Load reads an answers file. Errors name file, line and key; a missing file is fs.ErrNotExist.
func Load(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading the answers: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading the answers: %q is not a file", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the answers: %w", err)
	}
	r, err := read(path, string(text))
	if err != nil {
		return nil, err
	}
	f := NewFile(path, r.site.Clone()) // what the file said stays known
	f.last, f.saved, f.Unknown, f.Notes = r, true, r.unknown, r.notes
	return f, nil
}

// Set gives the answer of a key; Save keeps it, even when it is the usual one.
func (f *File) Set(key, text string) error {
	if err := Set(f.Site, key, text); err != nil {
		return err
	}
	if field, err := FieldOf(f.Site, key); err == nil { // its host may be gone with it
		f.asked[field.Key] = true
	}
	return nil
}

// Has says whether the file, as it was read or saved last, gives the answer of a key itself.
func (f *File) Has(key string) bool {
	field, err := FieldOf(f.Site, key)
	switch {
	case err != nil || !f.saved:
		return false
	case f.given != nil:
		return f.given[field.Key]
	}
	return f.last.find(field.path) != nil
}

// Save writes what changed into the lines of the file, at once or not at all, readable by its owner only. When somebody
// else changed the file it is left alone, and the error is ErrChanged.
func (f *File) Save() error {
	if f.given != nil {
		_, err := f.last.with(f.Site, f.asked)
		if err == nil {
			f.saved, f.given = true, maps.Clone(f.asked)
			if f.heard != nil {
				f.heard(f.Site)
			}
		}
		return err
	}
	target := follow(f.Path)
	now, err := os.ReadFile(target)
	switch {
	case errors.Is(err, os.ErrNotExist):
		f.saved = false
	case err != nil:
		return fmt.Errorf("saving the answers: %w", err)
	case !f.saved || string(now) != f.last.text:
		return fmt.Errorf("%s: %w", f.Path, ErrChanged)
	}
	next, err := f.last.with(f.Site, f.asked)
	if err != nil {
		return err
	}
	if f.saved && next == f.last {
		return nil
	}
	if err := write(target, []byte(next.text), f.rename); err != nil {
		return fmt.Errorf("saving the answers: %w", err)
	}
	f.last, f.saved = next, true
	clear(f.asked)
	return nil
}

// Render is a site as the text that is copied to hosts: the same for equal sites. What only says where the program runs is
// not in it.
func Render(s *Site) (string, error) {
	c := s.Clone()
	for _, h := range c.Hosts {
		h.Local = false
	}
	r, err := NewFile("answers", c).last.with(c, nil)
	if err != nil {
		return "", err
	}
	return r.text, nil
}

// follow is the file that a path leads to, through symbolic links, also when it does not exist yet.
func follow(path string) string {
	if end, err := filepath.EvalSymlinks(path); err == nil {
		return end
	}
	to, err := os.Readlink(path)
	switch {
	case err != nil:
		return path // no link, or not there yet: what else is wrong is told by who opens it
	case filepath.IsAbs(to):
		return to
	}
	return filepath.Join(filepath.Dir(path), to)
}
