//! `deploy/k8s`: rendered by kubectl, checked against the published schemas, and against what else there is: the binaries,
//! the compose file, the script that pushes. Needs no cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::compose;
use crate::support::{self, LOAD_TESTS, text};

/// The oldest and the newest version of Kubernetes that the manifests are for.
const VERSIONS: [&str; 2] = ["1.29", "1.37"];

/// What an overlay renders to, as YAML; none where there is no kubectl, which is said past the test runner.
fn render(overlay: &str) -> Option<String> {
    let is_there = Command::new("kubectl").args(["version", "--client"]).output();
    if !is_there.is_ok_and(|output| output.status.success()) {
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: manifests were not rendered: there is no kubectl on the PATH"
        );
        return None;
    }
    // A copy: an overlay wants files that are not committed.
    let folder = tempfile::tempdir().unwrap();
    copy(&support::root().join("deploy/k8s"), folder.path());
    let secrets = folder.path().join("overlays/eks");
    let example = fs::read_to_string(secrets.join("secrets.env.example")).unwrap();
    fs::write(
        secrets.join("secrets.env"),
        example.replace("TOKEN=", "TOKEN=a-secret-of-many-letters"),
    )
    .unwrap();
    fs::write(secrets.join("web-users"), "somebody:hash\n").unwrap();
    let output = Command::new("kubectl")
        .arg("kustomize")
        .arg(folder.path().join("overlays").join(overlay))
        .output()
        .unwrap();
    assert!(output.status.success(), "{overlay}: {}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{overlay}: kubectl warns: {}", text(&output.stderr));
    Some(text(&output.stdout))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = {
            let e = entry.unwrap();
            (e.path(), to.join(e.file_name()))
        };
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

/// All manifests of one overlay.
pub(crate) struct Manifests(Vec<Value>);

pub(crate) fn manifests(overlay: &str) -> Option<Manifests> {
    let Value::Array(all) = support::python("read_yaml.py", &render(overlay)?, &[]) else {
        panic!()
    };
    Some(Manifests(all))
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn name(manifest: &Value) -> &str {
    string(&manifest["metadata"]["name"])
}

fn namespace(manifest: &Value) -> &str {
    string(&manifest["metadata"]["namespace"])
}

/// Whether these labels have all that the selector wants.
fn selects(selector: &Value, labels: &Value) -> bool {
    let wanted = selector.as_object().unwrap();
    !wanted.is_empty() && wanted.iter().all(|(key, value)| labels[key] == *value)
}

impl Manifests {
    fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |manifest| manifest["kind"] == kind)
    }

    /// Deployments and the like.
    fn workloads(&self) -> impl Iterator<Item = &Value> {
        self.0
            .iter()
            .filter(|manifest| manifest["spec"]["template"]["spec"]["containers"].is_array())
    }

    pub(crate) fn workload(&self, wanted: &str) -> &Value {
        self.workloads()
            .find(|workload| name(workload) == wanted)
            .unwrap_or_else(|| panic!("no {wanted}"))
    }

    fn find(&self, kind: &str, space: &str, wanted: &str) -> &Value {
        let is_it = |of: &&Value| {
            of["kind"] == kind && of["metadata"]["namespace"] == space && name(of) == wanted
        };
        self.0.iter().find(is_it).unwrap_or_else(|| panic!("no {kind} {wanted} in {space}"))
    }

    /// The environment of a container, as the kubelet makes it.
    pub(crate) fn environment(&self, space: &str, container: &Value) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::new();
        for source in list(&container["envFrom"]) {
            let (kind, of) = if source["configMapRef"].is_object() {
                ("ConfigMap", &source["configMapRef"])
            } else {
                ("Secret", &source["secretRef"])
            };
            let data = self.find(kind, space, string(&of["name"]))["data"].as_object().unwrap();
            settings.extend(data.iter().map(|(key, value)| (key.clone(), shown(kind, value))));
        }
        for variable in list(&container["env"]) {
            let from = &variable["valueFrom"];
            let value = if let Some(text) = variable["value"].as_str() {
                let known = settings
                    .iter()
                    .map(|(known, value): (&String, &String)| (format!("$({known})"), value));
                known.fold(text.to_owned(), |text, (reference, value)| {
                    text.replace(&reference, value)
                })
            } else {
                let (kind, of) = if from["configMapKeyRef"].is_object() {
                    ("ConfigMap", &from["configMapKeyRef"])
                } else {
                    ("Secret", &from["secretKeyRef"])
                };
                let value =
                    &self.find(kind, space, string(&of["name"]))["data"][string(&of["key"])];
                shown(kind, value)
            };
            assert!(
                !value.contains("$("),
                "{} refers to what is not there: {value}",
                variable["name"]
            );
            settings.insert(string(&variable["name"]).to_owned(), value);
        }
        settings
    }
}

/// A secret's value is base64, which none of these tests needs to read.
fn shown(kind: &str, value: &Value) -> String {
    let value = string(value);
    if kind == "Secret" {
        format!("secret-{}", value.trim_end_matches('='))
    } else {
        value.to_owned()
    }
}

pub(crate) fn pod(workload: &Value) -> &Value {
    &workload["spec"]["template"]["spec"]
}

fn containers(workload: &Value) -> impl Iterator<Item = &Value> {
    list(&pod(workload)["initContainers"]).iter().chain(list(&pod(workload)["containers"]))
}

/// The program of ours that an image runs.
fn program(image: &str) -> Option<String> {
    let image = image.split(':').next().unwrap();
    if image.ends_with("dynaclaimz/locust") {
        return Some(LOAD_TESTS.to_owned());
    }
    image
        .ends_with("dynaclaimz/services")
        .then(|| support::dynaclaimz().to_str().unwrap().to_owned())
}

pub(crate) fn arguments(container: &Value) -> Vec<&str> {
    list(&container["args"]).iter().map(string).collect()
}

#[test]
fn every_manifest_is_valid_by_the_published_schemas() {
    for overlay in ["demo", "eks"] {
        let Some(rendered) = render(overlay) else { return };
        for version in VERSIONS {
            let count = support::python("check_manifests.py", &rendered, &[version]);
            assert!(count.as_u64().unwrap() >= 10, "{overlay}: {count} manifests");
            let broken = rendered.replacen("periodSeconds:", "periodSecond:", 1);
            let refused = support::python_output("check_manifests.py", &broken, &[version]);
            assert_eq!(refused.status.code(), Some(1), "a wrong field goes unnoticed");
        }
    }
}

#[test]
fn names_are_those_of_the_documents_and_of_the_script() {
    let script = fs::read_to_string(support::root().join("load-tests/build-and-push.sh")).unwrap();
    for overlay in ["demo", "eks"] {
        let Some(manifests) = manifests(overlay) else { return };
        for deployment in ["locust-master", "locust-worker"] {
            manifests.find("Deployment", "load-testing", deployment);
            assert!(script.contains(deployment) && script.contains("namespace=load-testing"));
        }
        let restarted: Vec<_> = manifests
            .of_kind("Deployment")
            .filter(|of| namespace(of) == "load-testing")
            .map(name)
            .collect();
        assert_eq!(restarted, ["locust-master", "locust-worker"], "all that --restart restarts");
        let images: BTreeSet<_> = restarted
            .iter()
            .map(|of| string(&pod(manifests.workload(of))["containers"][0]["image"]))
            .collect();
        assert_eq!(images.len(), 1, "{images:?}");
    }
    let eks = manifests("eks").unwrap();
    let container = &pod(eks.workload("locust-worker"))["containers"][0];
    assert_eq!(
        container["image"],
        "446130280781.dkr.ecr.us-east-1.amazonaws.com/dynaclaimz/locust:latest"
    );
    assert_eq!(container["imagePullPolicy"], "Always");
}

/// What the namespaces enforce (Pod Security, restricted), and what we ask of ourselves on top.
#[test]
fn every_pod_can_do_little() {
    let Some(manifests) = manifests("demo") else { return };
    for space in manifests.of_kind("Namespace") {
        assert_eq!(space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    }
    assert_eq!(manifests.workloads().count(), 8);
    for workload in manifests.workloads() {
        let (name, pod) = (name(workload), pod(workload));
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        // Kubernetes would set variables such as LOCUST_MASTER_PORT.
        assert_eq!(pod["enableServiceLinks"], false, "{name}");
        for container in containers(workload) {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(context["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(context["capabilities"]["drop"][0], "ALL", "{name}");
            let resources = &container["resources"];
            for part in [
                &resources["requests"]["cpu"],
                &resources["requests"]["memory"],
                &resources["limits"]["memory"],
            ] {
                assert!(part.is_string(), "{name}: {resources}");
            }
            let mounts: Vec<_> = list(&container["volumeMounts"])
                .iter()
                .map(|mount| string(&mount["mountPath"]))
                .collect();
            assert!(mounts.contains(&"/tmp"), "{name} has nowhere to write: {mounts:?}");
        }
    }
}

#[test]
fn services_probes_budgets_and_the_autoscaler_meet_what_they_name() {
    let Some(manifests) = manifests("demo") else { return };
    let ports = |workload: &Value| -> BTreeMap<String, u64> {
        let ports = containers(workload).flat_map(|container| list(&container["ports"]));
        ports
            .map(|port| (string(&port["name"]).to_owned(), port["containerPort"].as_u64().unwrap()))
            .collect()
    };
    for service in manifests.of_kind("Service") {
        let backed: Vec<_> = manifests
            .workloads()
            .filter(|of| namespace(of) == namespace(service))
            .filter(|of| {
                selects(&service["spec"]["selector"], &of["spec"]["template"]["metadata"]["labels"])
            })
            .collect();
        let [workload] = backed[..] else {
            panic!("{} selects {} workloads", name(service), backed.len())
        };
        for port in list(&service["spec"]["ports"]) {
            let known = ports(workload).get(string(&port["targetPort"])).copied();
            assert_eq!(known, port["port"].as_u64(), "{}", name(service));
        }
    }
    for workload in manifests.workloads() {
        let labels = &workload["spec"]["template"]["metadata"]["labels"];
        assert!(
            selects(&workload["spec"]["selector"]["matchLabels"], labels),
            "{}",
            name(workload)
        );
        for container in list(&pod(workload)["containers"]) {
            assert!(container["readinessProbe"].is_object(), "{}", name(workload));
            for probe in
                ["startupProbe", "livenessProbe", "readinessProbe"].map(|probe| &container[probe])
            {
                if let Some(port) = probe["httpGet"]["port"].as_str() {
                    assert!(ports(workload).contains_key(port), "{}: {port}", name(workload));
                    assert!(["/health", "/ready"].contains(&string(&probe["httpGet"]["path"])));
                }
            }
        }
    }
    let scaler = manifests.find("HorizontalPodAutoscaler", "load-testing", "locust-worker");
    let scaled = manifests.workload(string(&scaler["spec"]["scaleTargetRef"]["name"]));
    assert!(
        scaled["spec"]["replicas"].is_null(),
        "applying again must not reset the autoscaler's number"
    );
    let budget = manifests.find("PodDisruptionBudget", "load-testing", "locust-worker");
    assert!(selects(
        &budget["spec"]["selector"]["matchLabels"],
        &scaled["spec"]["template"]["metadata"]["labels"]
    ));
    let master = manifests.workload("locust-master");
    assert_eq!(
        (&master["spec"]["replicas"], &master["spec"]["strategy"]["type"]),
        (&1.into(), &"Recreate".into())
    );
}

#[test]
fn network_policies_forbid_all_and_name_pods_and_ports_that_are_there() {
    let Some(manifests) = manifests("demo") else { return };
    let labels = |space: &str| -> Vec<&Value> {
        let of = manifests.workloads().filter(|of| namespace(of) == space);
        of.map(|of| &of["spec"]["template"]["metadata"]["labels"]).collect()
    };
    for space in ["load-testing", "dynaclaimz"] {
        let nothing = &manifests.find("NetworkPolicy", space, "nothing")["spec"];
        assert!(nothing["podSelector"].as_object().unwrap().is_empty());
        assert_eq!(list(&nothing["policyTypes"]).len(), 2);
        assert!(nothing["ingress"].is_null() && nothing["egress"].is_null());
    }
    for policy in manifests.of_kind("NetworkPolicy") {
        let rules = ["ingress", "egress"].into_iter().flat_map(|way| list(&policy["spec"][way]));
        let peers = rules.flat_map(|rule| list(&rule["from"]).iter().chain(list(&rule["to"])));
        for peer in peers {
            let label = &peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"];
            let space = label.as_str().unwrap_or_else(|| namespace(policy));
            if let Some(selector) = peer["podSelector"].get("matchLabels") {
                assert!(
                    labels(space).iter().any(|labels| selects(selector, labels)),
                    "{}: {peer}",
                    name(policy)
                );
            }
        }
        if let Some(selector) = policy["spec"]["podSelector"].get("matchLabels") {
            assert!(
                labels(namespace(policy)).iter().any(|labels| selects(selector, labels)),
                "{}",
                name(policy)
            );
        }
    }
}

/// Every variable is one that the program reads, and every address in one is that of a Service with that port.
#[test]
fn settings_are_known_to_the_programs_and_addresses_are_there() {
    let help = |program: &str| text(&Command::new(program).arg("--help").output().unwrap().stdout);
    for overlay in ["demo", "eks"] {
        let Some(manifests) = manifests(overlay) else { return };
        for workload in manifests.workloads() {
            let space = namespace(workload);
            for container in containers(workload) {
                let settings = manifests.environment(space, container);
                let Some(program) = program(string(&container["image"])) else { continue };
                let help = help(&program);
                let known: BTreeSet<&str> = help
                    .split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
                    .collect();
                for (variable, value) in &settings {
                    // The database's own, from which DATABASE_URL is made.
                    let known =
                        known.contains(variable.as_str()) || variable == "POSTGRES_PASSWORD";
                    assert!(known, "{}: nobody reads {variable}", name(workload));
                    if let Some((_, address)) =
                        value.split_once("://").filter(|_| overlay == "demo")
                    {
                        let address =
                            address.rsplit('@').next().unwrap().split('/').next().unwrap();
                        let (host, port) = address.split_once(':').unwrap();
                        let (host, space) = host.split_once('.').unwrap_or((host, space));
                        let service = manifests.find("Service", space, host);
                        let ports = list(&service["spec"]["ports"]);
                        assert!(
                            ports.iter().any(|known| known["port"].as_u64() == port.parse().ok()),
                            "{variable}: {value}"
                        );
                    }
                }
            }
        }
    }
}

/// Each pod's words are accepted by its program, with its variables.
#[test]
fn every_command_is_understood() {
    let Some(manifests) = manifests("demo") else { return };
    for workload in manifests.workloads() {
        for container in containers(workload) {
            let Some(program) = program(string(&container["image"])) else { continue };
            // Shows the user classes, or help: after all words and settings were read.
            let harmless = if program == LOAD_TESTS { "--list" } else { "--help" };
            let mut command = Command::new(&program);
            command.env_clear().envs(manifests.environment(namespace(workload), container));
            let output = command.args(arguments(container)).arg(harmless).output().unwrap();
            let said = text(&output.stdout) + &text(&output.stderr);
            assert!(
                output.status.success(),
                "{} {:?}: {said}",
                name(workload),
                arguments(container)
            );
            for command in [&container["readinessProbe"], &container["startupProbe"]]
                .map(|probe| &probe["exec"]["command"])
            {
                if let Some(first) = list(command).first() {
                    assert!(program.ends_with(&format!("/{}", string(first))), "{command}");
                }
            }
        }
    }
}

/// Two ways of running one system: the same programs, words, ports and settings.
#[test]
fn it_agrees_with_the_compose_file() {
    let Some(manifests) = manifests("demo") else { return };
    let file = compose::read(&[]);
    for (service_name, service) in compose::services(&file) {
        if service_name == "databases" || !service["profiles"].is_null() {
            continue;
        }
        let workload = manifests.workload(service_name);
        let container = &pod(workload)["containers"][0];
        assert_eq!(container["image"], service["image"], "{service_name}");
        let here = compose::environment(service);
        let there = manifests.environment(namespace(workload), container);
        if !service_name.starts_with("locust") {
            assert_eq!(arguments(container), compose::words(&service["command"]), "{service_name}");
        }
        // Roles and the master's name are words there and variables here.
        let role =
            |name: &str| name.starts_with("LOCUST_MODE") || name.starts_with("LOCUST_MASTER");
        for (variable, value) in
            here.iter().filter(|(name, value)| !role(name) && !value.is_empty())
        {
            let Some(other) = there.get(variable) else {
                panic!("{service_name}: no {variable} in Kubernetes")
            };
            if other.contains("secret-") {
                continue;
            }
            assert_eq!(&other.replace(".dynaclaimz:", ":"), value, "{service_name}: {variable}");
        }
        for port in compose::words(&service["ports"]) {
            let inside: u64 = port.rsplit(':').next().unwrap().parse().unwrap();
            let ports = list(&container["ports"]);
            assert!(
                ports.iter().any(|known| known["containerPort"] == inside),
                "{service_name}: {port}"
            );
        }
        // Time to end: Kubernetes' is not the shorter one.
        if let Some(grace) = service["stop_grace_period"].as_str() {
            let grace: u64 = grace.trim_end_matches('s').parse().unwrap();
            assert!(
                pod(workload)["terminationGracePeriodSeconds"].as_u64().unwrap() >= grace,
                "{service_name}"
            );
        }
        if let Some(stop) = here.get("LOCUST_STOP_TIMEOUT") {
            let stop: u64 = stop.trim_end_matches('s').parse().unwrap();
            let grace: u64 =
                string(&service["stop_grace_period"]).trim_end_matches('s').parse().unwrap();
            assert!(
                grace >= stop + 10,
                "{service_name}: {grace} s for {stop} s of tasks and the last reports"
            );
        }
    }
}
