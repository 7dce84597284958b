//go:build linux

package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// mailFiles are what the mail server of a lab with Mail "plain" has of its own: of both suites, and of one.
//
//go:embed testdata/mailhost
var mailFiles embed.FS

// mailPackages make a host a mail server.
const mailPackages = "postfix,dovecot-imapd,dovecot-lmtpd,rspamd,openssl"

// mailUser has a mailbox on it, and postmaster's mail.
const (
	mailUser     = "ann@example.org"
	mailPassword = "garden spade"
)

// nativeMail says whether a node is a mail server without containers.
func (l *Lab) nativeMail(n node) bool { return l.Mail != "" && !l.Docker && n.name == "mail" }

// finishMail is the script that makes the users of a mail server.
const finishMail = `set -e
chroot "$1" useradd -r -m -d /var/vmail -s /usr/sbin/nologin vmail
chroot "$1" install -d -o postfix -m 700 /var/spool/postfix/private
install -d "$1"/etc/ssl/mail
install -d -m 711 "$1"/var/lib/rspamd/dkim
echo '` + mailUser + ":{PLAIN}" + mailPassword + `' >"$1"/etc/dovecot/users
ln -s ../mail-keys.service "$1"/etc/systemd/system/multi-user.target.wants/
`

func mailPath(suite string) string {
	return cached("mail", suite, basePackages, finishBase(suite), mailPackages, finishMail)
}

func makeMail(ctx context.Context, suite, dir string) error {
	return bootstrap(ctx, suite, dir, "minbase", basePackages+","+mailPackages, finishBase(suite)+finishMail)
}

// putMailFiles writes them into a root file system.
func putMailFiles(suite, root string) error {
	return errors.Join(putTree(mailFiles, "testdata/mailhost/both", root), putTree(mailFiles, "testdata/mailhost/"+suite, root))
}

// putTree writes a folder of files of ours below another; what is a program may be run.
func putTree(files embed.FS, folder, root string) error {
	of, err := fs.Sub(files, folder)
	if err != nil {
		return err
	}
	return fs.WalkDir(of, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(of, path)
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(string(text), "#!") {
			mode = 0o755
		}
		return put(filepath.Join(root, path), string(text), mode)
	})
}

// awaitMail waits until the mail server, at an address of mail's, takes mail (which its filter must have started for) and logins.
func (l *Lab) awaitMail(ctx context.Context, addr string) error {
	var last error
	err := poll(ctx, 2*time.Minute, func() bool {
		if last = l.answers(ctx, net.JoinHostPort(addr, "993")); last == nil {
			last = l.takesMail(ctx, net.JoinHostPort(addr, "25"))
		}
		return last == nil
	})
	if err != nil {
		return fmt.Errorf("mail server at %s: %w: %w", addr, err, last)
	}
	return nil
}

func (l *Lab) answers(ctx context.Context, addr string) error {
	c, err := l.Dial(ctx, "mail", "tcp", addr)
	if err == nil {
		c.Close()
	}
	return err
}

func (l *Lab) takesMail(ctx context.Context, addr string) error {
	conn, err := l.Dial(ctx, "mail", "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	c, err := smtp.NewClient(conn, addr)
	if err != nil {
		return err
	}
	return errors.Join(c.Mail(mailUser), c.Quit())
}
