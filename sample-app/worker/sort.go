package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river"
)

// sortArgs are strings to sort. DelayMs makes the job take as long as a real one.
type sortArgs struct {
	Strings []string `json:"strings"`
	DelayMs float64  `json:"delayMs,omitempty"`
}

func (sortArgs) Kind() string { return "sort" }

type sortOutput struct {
	Sorted []string `json:"sorted"`
}

func workSort(ctx context.Context, job *river.Job[sortArgs]) error {
	select {
	case <-time.After(time.Duration(job.Args.DelayMs * float64(time.Millisecond))):
	case <-ctx.Done():
		return ctx.Err()
	}

	sorted := append([]string{}, job.Args.Strings...)
	slices.Sort(sorted)

	return report(ctx, job.JobRow, sortOutput{sorted}, strings.Join(sorted, " "))
}
