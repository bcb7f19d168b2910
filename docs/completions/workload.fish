complete -c workload -s f -l locustfile -d 'Accepted for scripts written for Locust; has no effect [env:LOCUST_LOCUSTFILE]' -r
complete -c workload -l config -d 'Read further options from this file (.toml, or lines of `key = value`)' -r -F
complete -c workload -s H -l host -d 'Base URL of the system under test [env:LOCUST_HOST]' -r -f
complete -c workload -s u -l users -d 'Peak number of concurrent users (1 if not given) [env:LOCUST_USERS]' -r
complete -c workload -s r -l spawn-rate -d 'Users started per second (1 if not given) [env:LOCUST_SPAWN_RATE]' -r
complete -c workload -s t -l run-time -d 'Stop after this time, such as 300, 20s, 3m, 1h30m (for ever if not given) [env:LOCUST_RUN_TIME]' -r
complete -c workload -l config-users -d 'Change user classes: JSON, or paths of .json files, naming a class in user_class_name [env:LOCUST_CONFIG_USERS]' -r
complete -c workload -l stages -d 'Go through these numbers of users, as SPAN:USERS or SPAN:USERS@SPAWN_RATE, by comma [env:SWARMER_STAGES]' -r
complete -c workload -l rate -d 'Start journeys at this rate, however slow the target is (open model) [env:SWARMER_RATE]' -r
complete -c workload -l rate-stages -d 'Go through these rates of journeys, as SPAN:RATE, by comma (open model) [env:SWARMER_RATE_STAGES]' -r
complete -c workload -l arrivals -d 'How starts are spread over time with --rate: constant (evenly) or poisson (at random) [env:SWARMER_ARRIVALS]' -r -f -a "constant\t''
poisson\t''"
complete -c workload -l iterations -d 'Stop after this many tasks of all users together [env:SWARMER_ITERATIONS]' -r
complete -c workload -l iterations-per-user -d 'Stop each user after this many tasks of its own [env:SWARMER_ITERATIONS_PER_USER]' -r
complete -c workload -l max-rate -d 'Never send more requests per second than this, whatever users would do [env:SWARMER_MAX_RATE]' -r
complete -c workload -l allow-host -d 'Send load to these hosts only; anything else ends the run before it starts [env:SWARMER_ALLOW_HOST]' -r
complete -c workload -l web-host -d 'Address the web UI listens at (all if not given, or *) [env:LOCUST_WEB_HOST]' -r
complete -c workload -l web-host-display-name -d 'What the log calls the web UI\'s address when it listens at all [env:LOCUST_WEB_HOST_DISPLAY_NAME]' -r
complete -c workload -s P -l web-port -d 'Port of the web UI [env:LOCUST_WEB_PORT] [default: 8089]' -r
complete -c workload -l autoquit -d 'Quit this long after the run has ended; only with --autostart (-1: never) [env:LOCUST_AUTOQUIT] [default: -1]' -r
complete -c workload -l web-auth -d '[env:LOCUST_WEB_AUTH]' -r
complete -c workload -l tls-cert -d 'Certificate (PEM) to serve the web UI over HTTPS; needs --tls-key [env:LOCUST_TLS_CERT]' -r -F
complete -c workload -l tls-key -d 'Private key (PEM) of --tls-cert [env:LOCUST_TLS_KEY]' -r -F
complete -c workload -l build-path -d 'Accepted for scripts written for Locust; has no effect [env:LOCUST_BUILD_PATH]' -r -F
complete -c workload -l web-base-path -d 'Path below which the web UI is served, such as /swarm [env:LOCUST_WEB_BASE_PATH]' -r
complete -c workload -l web-cors -d 'Let pages of this origin use the interface, such as https://tools.example.com [env:SWARMER_WEB_CORS]' -r
complete -c workload -l web-users -d 'Who may sign in: name:hash lines, as swarmer hash-password prints them [env:SWARMER_WEB_USERS]' -r -F
complete -c workload -l web-token -d 'What programs send as Authorization: Bearer TOKEN to be let in [env:SWARMER_WEB_TOKEN]' -r
complete -c workload -l master-bind-host -d 'Address the master listens at (* for all) [env:LOCUST_MASTER_BIND_HOST] [default: *]' -r
complete -c workload -l master-bind-port -d 'Port the master listens at [env:LOCUST_MASTER_BIND_PORT] [default: 5557]' -r
complete -c workload -l expect-workers -d 'Start only when this many workers are ready [env:LOCUST_EXPECT_WORKERS] [default: 1]' -r
complete -c workload -l expect-workers-max-wait -d 'Give up when --expect-workers takes longer than this (0: never) [env:LOCUST_EXPECT_WORKERS_MAX_WAIT] [default: 0]' -r
complete -c workload -l journal -d 'Keep what a master needs to go on with the run after a restart [env:SWARMER_JOURNAL]' -r -F
complete -c workload -l processes -d 'Driver threads, as --threads; -1 means one per core [env:LOCUST_PROCESSES]' -r
complete -c workload -l master-host -d 'Host of the master a worker connects to [env:LOCUST_MASTER_NODE_HOST] [default: 127.0.0.1]' -r
complete -c workload -l master-port -d 'Port of the master a worker connects to [env:LOCUST_MASTER_NODE_PORT] [default: 5557]' -r
complete -c workload -l cluster-token -d 'Take only peers that have this token too, and encrypt what is said (at least 16 characters) [env:SWARMER_CLUSTER_TOKEN]' -r
complete -c workload -l master-timeout -d 'How long a worker goes on without hearing of its master [env:SWARMER_MASTER_TIMEOUT] [default: 60]' -r
complete -c workload -s T -l tags -d 'Run only tasks that carry one of these tags [env:LOCUST_TAGS]' -r
complete -c workload -s E -l exclude-tags -d 'Run only tasks that carry none of these tags [env:LOCUST_EXCLUDE_TAGS]' -r
complete -c workload -l csv -d 'Write statistics to CSV files whose names begin with this [env:LOCUST_CSV]' -r -F
complete -c workload -l html -d 'Write a report in HTML at the end; {u}, {r} and {t} in its name are replaced [env:LOCUST_HTML]' -r -F
complete -c workload -l json-file -d 'Write the final figures as JSON to FILE.json, in Locust\'s shape, instead of printing tables' -r -F
complete -c workload -l summary-json -d 'Write everything known of the run to FILE as one JSON document, at its end [env:SWARMER_SUMMARY_JSON]' -r -F
complete -c workload -l trace-url -d 'Link slow and failed requests to their traces; {trace} stands for the trace id [env:SWARMER_TRACE_URL]' -r -f
complete -c workload -s L -l loglevel -d 'Least severe level logged: DEBUG, INFO, WARNING, ERROR or CRITICAL [env:LOCUST_LOGLEVEL] [default: INFO]' -r -f -a "DEBUG\t''
INFO\t''
WARNING\t''
ERROR\t''
CRITICAL\t''"
complete -c workload -l logfile -d 'Log to this file instead of stderr (appends; tables stay on stderr) [env:LOCUST_LOGFILE]' -r -F
complete -c workload -l threads -d 'Driver threads (one per core if not given) [env:SWARMER_THREADS]' -r
complete -c workload -l seed -d 'Seed of every random decision (drawn and shown if not given) [env:SWARMER_SEED]' -r
complete -c workload -l replay -d 'Run user N of an earlier run alone, and print its requests and answers to standard output' -r
complete -c workload -l time-scale -d 'Multiply every wait and think time by this [env:SWARMER_TIME_SCALE] [default: 1]' -r
complete -c workload -l http2 -d 'Speak HTTP/2: own connections for each user, or shared ones for each thread [env:SWARMER_HTTP2] [default: off]' -r -f -a "off\t''
own\t''
shared\t''"
complete -c workload -l tls-sessions -d 'TLS sessions a new connection may resume: the user\'s own, shared ones, or none (off) [env:SWARMER_TLS_SESSIONS] [default: own]' -r -f -a "own\t''
shared\t''
off\t''"
complete -c workload -l park-idle -d 'Close a user\'s idle connections when it is to wait this long or longer (never if not given) [env:SWARMER_PARK_IDLE]' -r
complete -c workload -l exit-code-on-error -d 'Exit code when a request failed or a task raised an error [env:LOCUST_EXIT_CODE_ON_ERROR] [default: 1]' -r
complete -c workload -s s -l stop-timeout -d 'Time a user gets to finish its task when it is stopped [env:LOCUST_STOP_TIMEOUT] [default: 0]' -r
complete -c workload -l profile -d 'Label this run; the log and the summary document carry it' -r
complete -c workload -l generate -d 'Print a manual page, completions of a shell or a reference page, and exit' -r -f -a "man\t''
bash\t''
zsh\t''
fish\t''
markdown\t''"
complete -c workload -l progress -d 'Print a line of progress every so often, such as 5s (none if not given) [env:SWARMER_PROGRESS]' -r
complete -c workload -s h -l help -d 'Show this help and exit; -h is the short form of it'
complete -c workload -s l -l list -d 'List the user classes and exit'
complete -c workload -l plan -d 'Print the number of users or the rate over time as planned, and exit'
complete -c workload -l check -d 'Check only whether the run could start (target, limits, ports, memory), and exit'
complete -c workload -l headless -d 'Start at once and run without a web UI [env:LOCUST_HEADLESS]'
complete -c workload -l autostart -d 'Start at once, and keep the web UI [env:LOCUST_AUTOSTART]'
complete -c workload -l headful -d 'Cancel --headless, for example one from a configuration file [env:LOCUST_HEADFUL]'
complete -c workload -l web-login -d 'Ask for a login before the web UI is shown [env:LOCUST_WEB_LOGIN]'
complete -c workload -l class-picker -d 'Let people choose user classes in the web UI [env:LOCUST_USERCLASS_PICKER]'
complete -c workload -l legacy-ui -d '[env:LOCUST_LEGACY_UI]'
complete -c workload -l web-allow-get -d 'Let GET /stop and GET /stats/reset do what POST does, for old scripts [env:SWARMER_WEB_ALLOW_GET]'
complete -c workload -l master -d 'Run as the master, to which workers connect [env:LOCUST_MODE_MASTER]'
complete -c workload -l enable-rebalancing -d 'Spread the users anew when workers come or go (always done)'
complete -c workload -l expect-slaves -d ''
complete -c workload -l worker -d 'Run as a worker, which a master tells what to do [env:LOCUST_MODE_WORKER]'
complete -c workload -l slave -d ''
complete -c workload -l csv-full-history -d 'Keep each entry\'s history in the CSV, not only the total\'s (needs --csv) [env:LOCUST_CSV_FULL_HISTORY]'
complete -c workload -l print-stats -d 'Print tables while the test runs with a web UI; without one they are printed anyway [env:LOCUST_PRINT_STATS]'
complete -c workload -l only-summary -d 'Print no table while the test runs, only the summary [env:LOCUST_ONLY_SUMMARY]'
complete -c workload -l tui -d 'Fill the terminal with charts, a latency heat map and tables while the test runs [env:SWARMER_TUI]'
complete -c workload -l reset-stats -d 'Reset statistics once all users are started [env:LOCUST_RESET_STATS]'
complete -c workload -l json -d 'Print the final figures as JSON to stdout, in Locust\'s shape'
complete -c workload -l locust-percentiles -d 'Round response times to Locust\'s coarse buckets, to compare with its old runs [env:SWARMER_LOCUST_PERCENTILES]'
complete -c workload -l skip-log-setup -d 'Accepted for scripts written for Locust; has no effect [env:LOCUST_SKIP_LOG_SETUP]'
complete -c workload -l replay-fast -d 'Skip waits and think times in a replay; they are printed all the same'
complete -c workload -l replay-secrets -d 'Print passwords, tokens and cookies in a replay as they are'
complete -c workload -l health-check -d 'Ask whether the swarm on this machine is well, and exit: 0 if so, else 1'
complete -c workload -l insecure -d 'Accept any TLS certificate; every report says so [env:SWARMER_INSECURE]'
complete -c workload -l show-task-ratio -d 'Print how often each task runs, as two trees, and exit'
complete -c workload -l show-task-ratio-json -d 'Print how often each task runs, as JSON, and exit'
complete -c workload -l equal-weights -d 'Give each user class and each task the same weight'
complete -c workload -l otel -d 'Push metrics to an OpenTelemetry collector (http://localhost:4318 if OTEL_… variables say nothing) [env:LOCUST_ENABLE_OPENTELEMETRY]'
complete -c workload -s V -l version -d 'Show the version and exit'
