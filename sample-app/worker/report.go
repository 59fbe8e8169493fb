package main

import (
	"context"
	"log"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// report stores the output of a job, where the job's row shows it under
// metadata.output, and logs one line about it.
func report(ctx context.Context, job *rivertype.JobRow, output any, summary string) error {
	if err := river.RecordOutput(ctx, output); err != nil {
		return err
	}

	log.Printf("worked %s job %d: %s", job.Kind, job.ID, summary)
	return nil
}
