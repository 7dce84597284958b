//go:build linux

package main

import (
	"context"
)

func verbFault(ctx context.Context, c call) error  { return nil }
func verbStatus(ctx context.Context, c call) error { return nil }
func (l *Lab) refault(ctx context.Context) error   { return nil }
