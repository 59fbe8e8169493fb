package main

import (
	"encoding/json"
	"math"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// job is one job to insert.
type job struct {
	Kind string `json:"kind"`
	// EncodedArgs is the JSON text of the args. River's client encodes it once
	// more, which takes spaces out and escapes as Go does.
	EncodedArgs string `json:"encodedArgs"`
	// UniqueArgs says which args count for uniqueness; see dynamic.go.
	UniqueArgs *uniqueArgs `json:"uniqueArgs"`
	Opts       *jobOpts    `json:"opts"`
}

// jobOpts are River's InsertOpts. What is absent or null is "not given".
type jobOpts struct {
	MaxAttempts int `json:"maxAttempts"`
	// Metadata is JSON text.
	Metadata    string     `json:"metadata"`
	Pending     bool       `json:"pending"`
	Priority    int        `json:"priority"`
	Queue       string     `json:"queue"`
	ScheduledAt *time.Time `json:"scheduledAt"`
	// ScheduledAtUnixMs stands in for ScheduledAt beyond the years 0 to 9999,
	// which RFC 3339 cannot tell.
	ScheduledAtUnixMs *int64 `json:"scheduledAtUnixMs"`
	// Tags keeps null and [] apart.
	Tags       []string    `json:"tags"`
	UniqueOpts *uniqueOpts `json:"uniqueOpts"`
}

// uniqueOpts are River's UniqueOpts.
type uniqueOpts struct {
	ByArgs bool `json:"byArgs"`
	// ByPeriodNs wins over ByPeriodSeconds.
	ByPeriodNs      int64   `json:"byPeriodNs"`
	ByPeriodSeconds float64 `json:"byPeriodSeconds"`
	ByQueue         bool    `json:"byQueue"`
	// ByState keeps null and [] apart.
	ByState     []rivertype.JobState `json:"byState"`
	ExcludeKind bool                 `json:"excludeKind"`
}

// args gives the job's args as River takes them.
func (j job) args() (river.JobArgs, error) {
	base := RawArgs{kind: j.Kind, encoded: json.RawMessage(j.EncodedArgs)}
	if j.UniqueArgs == nil {
		return base, nil
	}
	return j.UniqueArgs.wrap(base)
}

func (o *jobOpts) river() *river.InsertOpts {
	if o == nil {
		return nil
	}

	opts := &river.InsertOpts{
		MaxAttempts: o.MaxAttempts,
		Metadata:    []byte(o.Metadata),
		Pending:     o.Pending,
		Priority:    o.Priority,
		Queue:       o.Queue,
		Tags:        o.Tags,
		UniqueOpts:  o.UniqueOpts.river(),
	}
	if o.ScheduledAt != nil {
		opts.ScheduledAt = *o.ScheduledAt
	}
	if o.ScheduledAtUnixMs != nil {
		opts.ScheduledAt = time.UnixMilli(*o.ScheduledAtUnixMs)
	}
	return opts
}

func (o *uniqueOpts) river() river.UniqueOpts {
	if o == nil {
		return river.UniqueOpts{}
	}

	period := time.Duration(o.ByPeriodNs)
	if period == 0 {
		period = time.Duration(math.Round(o.ByPeriodSeconds * float64(time.Second)))
	}

	return river.UniqueOpts{
		ByArgs:      o.ByArgs,
		ByPeriod:    period,
		ByQueue:     o.ByQueue,
		ByState:     o.ByState,
		ExcludeKind: o.ExcludeKind,
	}
}

// RawArgs are args of any kind whose JSON text is already there. The name is
// exported so that reflection may embed it.
type RawArgs struct {
	kind    string
	encoded json.RawMessage
}

func (a RawArgs) Kind() string { return a.kind }

func (a RawArgs) MarshalJSON() ([]byte, error) { return a.encoded, nil }
