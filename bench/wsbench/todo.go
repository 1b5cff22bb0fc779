package main

import (
	"context"
	"errors"
	"io"
)

func runReport(context.Context, []string, io.Writer, io.Writer) error { return errors.New("todo") }
func runReadme(context.Context, []string, io.Writer, io.Writer) error { return errors.New("todo") }
