package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/riverqueue/river"
)

// telling is what a job's args may say, under "worker", of how it is to be worked.
type telling struct {
	// Output is recorded before the job ends, if given.
	Output json.RawMessage `json:"output"`
	// Error fails the attempt, with this text.
	Error string `json:"error"`
	// Cancel cancels the job, with this text.
	Cancel string `json:"cancel"`
	// Fails says that Error is meant even if it is empty.
	Fails bool `json:"fails"`
	// Panic is the text of a panic.
	Panic string `json:"panic"`
	// SnoozeMs is when the job is to be worked again.
	SnoozeMs *float64 `json:"snoozeMs"`
	// Metadata is set before the job ends.
	Metadata map[string]any `json:"metadata"`
	// Waits for the end of the context, and returns its error; with Ignores what the rest says.
	Waits   bool `json:"waits"`
	Ignores bool `json:"ignores"`
	// WorkMs is how much longer than other jobs this one takes.
	WorkMs float64 `json:"workMs"`
}

// tellings reads the args of any job; most say nothing.
func tellings(encodedArgs []byte) telling {
	var args struct {
		Worker telling `json:"worker"`
	}
	if err := json.Unmarshal(encodedArgs, &args); err != nil {
		return telling{}
	}
	return args.Worker
}

func (t telling) end(ctx context.Context) error {
	if t.Output != nil {
		if err := river.RecordOutput(ctx, t.Output); err != nil {
			return err
		}
	}
	for key, value := range t.Metadata {
		if err := river.MetadataSet(ctx, key, value); err != nil {
			return err
		}
	}
	if t.Waits {
		<-ctx.Done()
		if !t.Ignores {
			return ctx.Err()
		}
	}
	switch {
	case t.Panic != "":
		panic(t.Panic)
	case t.SnoozeMs != nil:
		return river.JobSnooze(milliseconds(*t.SnoozeMs))
	case t.Cancel != "":
		return river.JobCancel(errors.New(t.Cancel))
	case t.Error != "" || t.Fails:
		return errors.New(t.Error)
	}
	return nil
}
