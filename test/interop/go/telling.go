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
	switch {
	case t.Cancel != "":
		return river.JobCancel(errors.New(t.Cancel))
	case t.Error != "":
		return errors.New(t.Error)
	}
	return nil
}
