package site

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// write puts a file in place at once: whoever reads it sees the old or the new, also after a crash. Only the owner can read
// it; a file that was there keeps its owner.
func write(path string, data []byte, rename func(from, to string) error) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".postern-*.tmp") // 0600
	if err != nil {
		return err
	}
	err = errors.Join(fill(tmp, data, path), tmp.Close())
	if err == nil {
		err = rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return syncDir(dir)
}

// fill writes a new file down to the disk, with the owner of the one it will replace.
func fill(tmp *os.File, data []byte, path string) error {
	if _, err := tmp.Write(data); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil {
		if err := keepOwner(tmp, info); err != nil {
			return err
		}
	}
	return tmp.Sync()
}

// syncDir makes a rename last through a crash of the machine. Windows has no such thing for folders.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}
