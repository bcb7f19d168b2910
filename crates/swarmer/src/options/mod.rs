//! One definition of every option: flag, environment variable, configuration key, help.
