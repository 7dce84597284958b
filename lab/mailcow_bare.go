//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Where a bare host finds what others fetch from the internet: Mailcow's files by Git, and its image.
const (
	mailcowGit   = "/srv/git/mailcow-dockerized"
	mailcowImage = "/srv/mailcow"
)

// ofLabDocker has Docker, once it is installed, run in a container of the machine, and know the image as if it could be pulled.
const ofLabDocker = `[Service]
ExecStartPre=/bin/sh /srv/docker-groups
ExecStartPost=/bin/sh -c 'docker image inspect lab/mailcow >/dev/null 2>&1 || docker import ` + mailcowImage + `/image.tar lab/mailcow'
TimeoutStartSec=5min
`

// offerMailcow has a bare mail host find what Docker and Mailcow need there.
func (l *Lab) offerMailcow(ctx context.Context, root string) error {
	git := filepath.Join(root, mailcowGit)
	if err := l.putMailcow(git); err != nil {
		return err
	}
	err := errors.Join(
		os.Rename(filepath.Join(git, "mailcow.conf"), filepath.Join(git, "data/mailcow.conf")),
		os.Remove(filepath.Join(git, "data/conf/postfix/extra.cf")), os.Remove(filepath.Join(git, "data/conf/postfix/custom_postscreen_whitelist.cidr")),
		put(filepath.Join(git, ".gitignore"), "/mailcow.conf\ndata/assets/ssl/*\n", 0o644),
		put(filepath.Join(root, "etc/gitconfig"), "[url \"file://"+mailcowGit+"\"]\n\tinsteadOf = https://github.com/mailcow/mailcow-dockerized\n", 0o644),
		put(filepath.Join(root, "srv/docker-groups"), dockerGroups, 0o644),
		put(filepath.Join(root, "etc/systemd/system/docker.service.d/10-lab.conf"), ofLabDocker, 0o644))
	if err != nil {
		return err
	}
	for _, argv := range []string{"init -q -b master", "add -A", "-c user.name=lab -c user.email=lab@external.test commit -q -m lab"} {
		if _, err := run(ctx, append([]string{"git", "-C", git}, strings.Fields(argv)...)...); err != nil {
			return err
		}
	}
	return nil
}
