"""For every rule a canvas on which it speaks, and the change that silences it: body, what to replace, by what."""

from __future__ import annotations

# Written as flow mappings without the outer braces; `project` is added where it is not written.
CASES: dict[str, tuple[str, str, str]] = {
    # team
    "positioning-in-part": (
        "value: {positioning: {for: a, who: b, product: c, category: d}}",
        "category: d",
        "category: d, benefit: e",
    ),
    "payoff-that-never-pays": (
        "value: {payoff: {outcomes: [{predicted: true, actual: true, worth: -1}]}}",
        "worth: -1",
        "worth: 1",
    ),
    "threshold-where-it-does-not-pay": (
        (
            "value: {payoff: {threshold: 90%, outcomes: [{predicted: true, actual: true, worth: 9}, "
            "{predicted: true, actual: false, worth: -1}]}}"
        ),
        "90%",
        "10%",
    ),
    "wants-less-than-it-has": (
        "project: {name: x, maturity: {now: strategic, wanted: tactical}}",
        "wanted: tactical",
        "wanted: transformational",
    ),
    "transformational-by-hand": (
        "project: {name: x, maturity: {now: transformational}}, deployment: {release_policy: {by: hand}}",
        "{by: hand}",
        "{by: metrics, metric: auc}",
    ),
    "tactical-with-heavy-machinery": (
        "project: {name: x, maturity: {now: tactical}}, deployment: {target: {where: kubernetes}}",
        "kubernetes",
        "server",
    ),
    "skills-from-nowhere": ("dilemmas: {skills: {choice: hire, hires: 0}}", "hires: 0", "hires: 1"),
    "skills-that-nobody-has": (
        "dilemmas: {skills: {choice: neither}}, experiments: {frameworks: []}",
        "[]",
        "[pytorch]",
    ),
    "tool-against-choice": (
        "dilemmas: {tooling: [{block: features, choice: embedded, tool: feast}]}",
        "embedded",
        "open source",
    ),
    "licences-against-choice": (
        "dilemmas: {tooling: [{block: features, choice: buy, licences: 0}]}",
        "licences: 0",
        "licences: 9",
    ),
    "one-platform-of-many-tools": (
        (
            "dilemmas: {platform: {choice: one platform, platform: stackcanvas}, "
            "tooling: [{block: serving, choice: open source, tool: kserve}]}"
        ),
        "one platform",
        "hybrid",
    ),
    # data
    "versioning-without-versions": (
        "data: {versioning: mandatory, version_method: {level: 0}}",
        "level: 0",
        "level: 1",
    ),
    "regulated-but-versions-optional": (
        "project: {name: x, regulated: true}, data: {versioning: optional}",
        "optional",
        "mandatory",
    ),
    "regulated-without-versions": (
        "project: {name: x, regulated: true}, data: {version_method: {level: 0}}",
        "level: 0",
        "level: 3",
    ),
    "data-with-code-without-git": (
        "data: {version_method: {level: 2}}, foundations: {version_control: {tool: subversion}}",
        "subversion",
        "git",
    ),
    "models-outlive-their-data": (
        (
            "data: {versioning: mandatory, version_method: {level: 1, versions_kept: 3}}, "
            "registry: {storage: {versions_kept: 9}}"
        ),
        "versions_kept: 3",
        "versions_kept: 9",
    ),
    "runs-outlive-their-data": (
        "experiments: {metadata: [data]}, metadata: {governance: {retention: {data: 30d, runs: 90d}}}",
        "data: 30d",
        "data: 90d",
    ),
    "labels-that-nobody-gives": (
        "data: {labelling: {needed: true, people: 0, price_per_label: 0}}",
        "people: 0",
        "people: 2",
    ),
    "labels-counted-but-not-needed": (
        "data: {labelling: {needed: false, backlog: 9}}",
        "needed: false",
        "needed: true",
    ),
    "more-labels-an-item-than-people": (
        "data: {labelling: {needed: true, people: 1, labels_per_item: 3}}",
        "people: 1",
        "people: 3",
    ),
    "price-against-ownership": (
        "data: {sources: [{name: a, ownership: paid, price: 0}]}",
        "price: 0",
        "price: 10",
    ),
    "personal-data-in-the-log": (
        "data: {sources: [{name: a, ownership: owned, personal: true}]}, serving: {log: {keep: 9d}}",
        "keep: 9d",
        "keep: 9d, drop: [email]",
    ),
    "personal-data-at-a-vendor": (
        (
            "data: {sources: [{name: a, ownership: owned, personal: true}]}, "
            "metadata: {governance: {regulation: GDPR}}, "
            "dilemmas: {tooling: [{block: monitoring, choice: buy, tool: arize}]}"
        ),
        "choice: buy",
        "choice: open source",
    ),
    "many-tools-for-one-task": ("data: {pipeline_tools: [dbt, airflow, spark, nifi]}", ", nifi", ""),
    # experiments
    "framework-in-no-language": (
        "experiments: {languages: [scala], frameworks: [scikit-learn]}",
        "[scala]",
        "[scala, python]",
    ),
    "accelerators-that-nothing-uses": (
        "experiments: {frameworks: [scikit-learn], training_infrastructure: {gpus: 2}}",
        "gpus: 2",
        "gpus: 0",
    ),
    "accelerator-named-but-not-taken": (
        "experiments: {training_infrastructure: {gpu: L4, gpus: 0}}",
        "gpus: 0",
        "gpus: 1",
    ),
    "runs-forget-their-data": (
        "data: {versioning: mandatory}, experiments: {metadata: [code]}",
        "[code]",
        "[code, data]",
    ),
    "regulated-runs-cannot-be-repeated": (
        "project: {name: x, regulated: true}, experiments: {metadata: [code, data]}",
        "[code, data]",
        "[code, data, parameters]",
    ),
    "decay-in-the-wrong-direction": (
        "experiments: {metrics: [{name: auc, direction: higher}]}, monitoring: {decay: {metric: auc, at_most: 0.7}}",
        "at_most",
        "at_least",
    ),
    "decayed-at-birth": (
        (
            "experiments: {metrics: [{name: auc, direction: higher, threshold: 0.7}]}, "
            "monitoring: {decay: {metric: auc, at_least: 0.8}}"
        ),
        "0.8",
        "0.6",
    ),
    "requirement-in-the-wrong-direction": (
        (
            "experiments: {metrics: [{name: loss, direction: lower}]}, "
            "pipelines: {non_functional: [{requirement: correctness, measure: loss, at_least: 1}]}"
        ),
        "at_least",
        "at_most",
    ),
    "two-gates-for-one-figure": (
        (
            "experiments: {metrics: [{name: auc, direction: higher, threshold: 0.7}]}, "
            "pipelines: {non_functional: [{requirement: correctness, measure: auc, at_least: 0.8}]}"
        ),
        "0.8",
        "0.7",
    ),
    "production-measures-something-else": (
        "experiments: {metrics: [{name: auc, direction: higher}]}, monitoring: {ml_metrics: [accuracy]}",
        "[accuracy]",
        "[accuracy, auc]",
    ),
    "decay-of-what-is-not-collected": (
        "monitoring: {ml_metrics: [auc], decay: {metric: brier, worse_by: 1}}",
        "metric: brier",
        "metric: auc",
    ),
    # features
    "feature-store-too-early": (
        "project: {name: x, maturity: {now: tactical}}, features: {needed: mandatory}",
        "{now: tactical}",
        "{now: tactical, wanted: strategic}",
    ),
    "feature-store-without-views": (
        "features: {needed: mandatory, computation: []}",
        "[]",
        "[{view: a, mode: batch}]",
    ),
    "feature-interface-without-store": ("features: {needed: optional, apis: true}", "apis: true", "apis: false"),
    "online-answers-from-training-features": (
        "features: {computation: [{view: a, mode: batch, refreshes_per_day: 0}]}, serving: {mode: {mode: online}}",
        "refreshes_per_day: 0",
        "refreshes_per_day: 1",
    ),
    "on-demand-features-without-a-request": (
        "features: {computation: [{view: a, mode: on demand}]}, serving: {mode: {mode: batch}}",
        "on demand",
        "batch",
    ),
    "stream-from-no-stream": (
        "features: {computation: [{view: a, mode: streaming}]}, data: {sources: [{name: a, ownership: owned}]}",
        "ownership: owned",
        "ownership: owned, kind: stream",
    ),
    "online-store-for-batches": (
        'features: {databases: {online: "redis://cache/0"}}, serving: {mode: {mode: batch}}',
        "mode: batch",
        "mode: online",
    ),
    "feature-store-decided-twice": (
        "features: {buy_or_make: make}, dilemmas: {tooling: [{block: features, choice: buy}]}",
        "choice: buy",
        "choice: build",
    ),
    # foundations
    "delivery-without-version-control": (
        "foundations: {version_control: {tool: none}, ci_cd: {tools: [jenkins]}}",
        "tool: none",
        "tool: git",
    ),
    "trunk-without-version-control": (
        "foundations: {version_control: {tool: none}, trunk_based: true}",
        "trunk_based: true",
        "trunk_based: false",
    ),
    "code-trigger-without-version-control": (
        "foundations: {version_control: {tool: none}}, pipelines: {retraining: [{pipeline: train, on: code.changed}]}",
        "on: code.changed",
        "on: data.committed",
    ),
    "automation-before-foundations": (
        "foundations: {version_control: {tool: none}}, features: {needed: mandatory}",
        "mandatory",
        "optional",
    ),
    "automatic-release-without-delivery": (
        "foundations: {ci_cd: {tools: []}}, deployment: {release_policy: {by: metrics, metric: auc}}",
        "tools: []",
        "tools: [jenkins]",
    ),
    "notebooks-in-production": (
        "foundations: {notebooks: false}, pipelines: {workflow: {steps: [a], technology: papermill}}",
        "notebooks: false",
        "notebooks: true",
    ),
    "delivery-figures-tracked-and-not": (
        "foundations: {delivery_metrics: false}, metadata: {operational: [lead time]}",
        "delivery_metrics: false",
        "delivery_metrics: true",
    ),
    "two-services-for-ci": (
        "foundations: {ci_cd: {tools: [GitLab CI, pytest]}}, pipelines: {ci: {tools: [github-actions]}}",
        "github-actions",
        "gitlab",
    ),
    "long-branches-and-a-short-lead-time": (
        "foundations: {trunk_based: false}, deployment: {lead_time: 2h}",
        "2h",
        "5d",
    ),
    # pipelines
    "alarm-that-nobody-watches-for": (
        "pipelines: {retraining: [{pipeline: train, on: drift.found}]}, monitoring: {needed: optional}",
        "optional",
        "mandatory",
    ),
    "alarm-that-was-set-aside": (
        (
            "pipelines: {retraining: [{pipeline: train, on: decay.found}]}, "
            "decisions: {monitoring.decay: {status: not applicable}}"
        ),
        "not applicable",
        "open",
    ),
    "pipeline-that-starts-itself": (
        "pipelines: {retraining: [{pipeline: train, on: run.finished pipeline:train}]}",
        "run.finished pipeline:train",
        "run.finished pipeline:prepare",
    ),
    "runs-longer-than-their-schedule": (
        'pipelines: {retraining: [{pipeline: train, cron: "0 * * * *", time_per_run: 2h}]}',
        "2h",
        "20m",
    ),
    "schedule-against-its-count": (
        'pipelines: {retraining: [{pipeline: train, cron: "0 3 * * *", runs_per_month: 2}]}',
        "runs_per_month: 2",
        "runs_per_month: 30",
    ),
    "more-training-than-time": (
        "pipelines: {retraining: [{pipeline: train, runs_per_month: 900, time_per_run: 2h}]}",
        "900",
        "9",
    ),
    "same-trigger-twice": (
        "pipelines: {retraining: [{pipeline: train, on: drift.found}, {pipeline: train, on: drift.found}]}",
        ", {pipeline: train, on: drift.found}",
        "",
    ),
    "alarm-of-another-endpoint": (
        (
            "pipelines: {retraining: [{pipeline: train, on: drift.found deployment:old}]}, "
            "serving: {mode: {mode: online, endpoint: new}}"
        ),
        "deployment:old",
        "deployment:new",
    ),
    "data-trigger-of-no-source": (
        (
            "pipelines: {retraining: [{pipeline: train, on: data.committed data:flihgts}]}, "
            "data: {sources: [{name: flights, ownership: public}]}"
        ),
        "flihgts",
        "flights@3",
    ),
    "local-work-on-remote-machines": (
        'pipelines: {location: {where: local, executor: "ray://head:10001"}}',
        "where: local",
        "where: own server",
    ),
    "compute-in-one-cloud-data-in-another": (
        'pipelines: {location: {where: cloud aws}}, data: {storage: {objects: "gs://bucket/x"}}',
        "gs://",
        "s3://",
    ),
    "many-machines-on-this-one": (
        "pipelines: {distributed_training: {needed: true}, location: {where: local}}",
        "where: local",
        "where: cloud aws",
    ),
    "distributed-by-nothing": (
        "pipelines: {distributed_training: {needed: true, engine: none}}",
        "engine: none",
        "engine: ray",
    ),
    "engine-against-executor": (
        'pipelines: {distributed_training: {needed: true, engine: spark}, location: {executor: "ray://h:1"}}',
        "engine: spark",
        "engine: ray",
    ),
    "two-orchestrators": (
        (
            "pipelines: {workflow: {steps: [a], technology: airflow}}, "
            "dilemmas: {tooling: [{block: pipelines, choice: open source, tool: prefect}]}"
        ),
        "tool: prefect",
        "tool: Airflow",
    ),
    "checked-in-a-ci-that-there-is-not": (
        (
            "pipelines: {ci: {tools: []}, non_functional: "
            "[{requirement: efficiency, measure: ms, at_most: 1, tested_in: [ci]}]}"
        ),
        "tools: []",
        "tools: [jenkins]",
    ),
    "groups-that-are-not-logged": (
        (
            "serving: {log: {drop: [region]}}, pipelines: {non_functional: "
            "[{requirement: fairness, measure: auc, at_least: 1, slice: region, tested_in: [serving]}]}"
        ),
        "drop: [region]",
        "drop: [email]",
    ),
    # releases
    "regulated-without-a-registry": (
        "project: {name: x, regulated: true}, registry: {needed: optional}",
        "optional",
        "mandatory",
    ),
    "two-versions-without-a-registry": (
        "registry: {needed: optional}, deployment: {strategy: {kind: canary}}",
        "optional",
        "mandatory",
    ),
    "nothing-to-roll-back-to": (
        "registry: {storage: {versions_kept: 1}}, deployment: {strategy: {kind: blue-green}}",
        "versions_kept: 1",
        "versions_kept: 2",
    ),
    "traffic-moved-where-none-is": (
        "serving: {mode: {mode: batch}}, deployment: {strategy: {kind: canary}}",
        "kind: canary",
        "kind: recreate",
    ),
    "experiment-where-no-traffic-is": (
        "serving: {mode: {mode: online, pattern: model as dependency}}, deployment: {release_policy: {by: bandit}}",
        "model as dependency",
        "model as service",
    ),
    "all-traffic-and-an-experiment": (
        "deployment: {release_policy: {by: bandit}, strategy: {kind: recreate}}",
        "recreate",
        "canary",
    ),
    "decided-by-an-unknown-figure": (
        (
            "deployment: {release_policy: {by: metrics, metric: acu}}, "
            "experiments: {metrics: [{name: auc, direction: higher}]}"
        ),
        "metric: acu",
        "metric: auc",
    ),
    "reward-that-was-set-aside": (
        "deployment: {release_policy: {by: bandit}}, decisions: {value.payoff: {status: not applicable}}",
        "not applicable",
        "open",
    ),
    "users-change-sides": (
        "deployment: {release_policy: {by: a/b test, metric: clicks}}",
        "metric: clicks",
        "metric: clicks, sticky: user",
    ),
    "experiment-on-a-dropped-column": (
        "deployment: {release_policy: {by: bandit, sticky: user}}, serving: {log: {drop: [user]}}",
        "drop: [user]",
        "hash: [user]",
    ),
    "experiment-on-one-side": (
        "deployment: {release_policy: {by: a/b test, metric: clicks, share: 100%}}",
        "100%",
        "50%",
    ),
    "certainty-that-never-comes": (
        "deployment: {release_policy: {by: metrics, metric: auc, confidence: 100%}}",
        "100%",
        "95%",
    ),
    "automatic-and-approved": (
        (
            "deployment: {release_policy: {by: metrics, metric: auc}}, "
            "metadata: {governance: {approvals: [{action: deploy}]}}"
        ),
        "metric: auc",
        "metric: auc, automatic: false",
    ),
    "shadow-that-goes-live-alone": (
        "deployment: {release_policy: {by: hand}, strategy: {kind: shadow, then: live}}",
        "then: live",
        "then: stop",
    ),
    "canary-in-one-step": (
        "deployment: {strategy: {kind: canary, steps: [100%]}}",
        "[100%]",
        "[10%, 100%]",
    ),
    "shadow-that-sees-nothing": ("deployment: {strategy: {kind: shadow, sample: 0%}}", "0%", "10%"),
    "no-time-at-all": ("deployment: {lead_time: 0s}", "0s", "1d"),
    "slower-than-its-lead-time": (
        "deployment: {lead_time: 1h, strategy: {kind: canary, steps: [10%, 50%, 100%], every: 2h}}",
        "lead_time: 1h",
        "lead_time: 1d",
    ),
    # serving
    "pattern-against-mode": ("serving: {mode: {mode: online, pattern: precompute}}", "mode: online", "mode: batch"),
    "format-against-pattern": (
        "serving: {mode: {mode: online, pattern: model as dependency}}, deployment: {format: container}",
        "container",
        "package",
    ),
    "devices-without-an-edge": (
        "serving: {mode: {mode: online, pattern: hybrid serving}}, deployment: {target: {where: server}}",
        "server",
        "edge",
    ),
    "address-of-a-dependency": (
        "serving: {mode: {mode: online, pattern: model as dependency, endpoint: churn}}",
        ", endpoint: churn",
        "",
    ),
    "dependency-released-by-itself": (
        (
            "serving: {mode: {mode: online, pattern: model as dependency}}, "
            "pipelines: {retraining: [{pipeline: train, on: data.committed}]}, "
            "deployment: {release_policy: {by: metrics, metric: auc}}"
        ),
        "by: metrics, metric: auc",
        "by: hand",
    ),
    "framework-without-an-export": (
        "deployment: {format: onnx}, experiments: {frameworks: [prophet]}",
        "onnx",
        "native",
    ),
    "native-models-wait-for-consent": (
        "deployment: {format: native}, registry: {allow_python_models: false}",
        "false",
        "true",
    ),
    "accelerators-that-are-not-counted": ("serving: {accelerators: {kind: cuda, count: 0}}", "count: 0", "count: 1"),
    "accelerator-that-the-target-lacks": (
        "serving: {accelerators: {kind: cuda}}, deployment: {target: {where: edge}}",
        "cuda",
        "openvino",
    ),
    "accelerator-for-small-models": (
        "serving: {accelerators: {kind: cuda}}, experiments: {frameworks: [scikit-learn]}",
        "[scikit-learn]",
        "[scikit-learn, pytorch]",
    ),
    "nothing-answers-instead": (
        "serving: {mode: {mode: online}, fallback: {}}",
        "fallback: {}",
        "fallback: {model: simple}",
    ),
    "fallback-to-nothing": (
        "serving: {fallback: {}, pre_assertion: {rules: [{column: a, rule: not_null, action: fallback}]}}",
        "action: fallback",
        "action: reject",
    ),
    "second-model-in-a-server-of-one": (
        "serving: {fallback: {model: simple}, multi_model: false}",
        "multi_model: false",
        "multi_model: true",
    ),
    "profile-that-is-not-recorded": (
        "serving: {pre_assertion: {profile: true}}, metadata: {collected: [code]}",
        "[code]",
        "[code, statistics]",
    ),
    "one-server-or-several": ("serving: {distributed: {needed: true, replicas: 1}}", "replicas: 1", "replicas: 2"),
    "cluster-on-one-file": (
        'deployment: {target: {where: kubernetes}}, metadata: {store: {url: "sqlite:///x.db"}}',
        "sqlite:///x.db",
        "postgresql://db/x",
    ),
    "workers-that-share-a-folder": (
        'pipelines: {location: {executor: "ray://head:1"}}, data: {storage: {objects: some/folder}}',
        "some/folder",
        "s3://bucket/x",
    ),
    # numbers
    "busiest-second-below-the-average": (
        "serving: {volume: {predictions: 1000000, per: hour, peak_per_second: 3}}",
        "peak_per_second: 3",
        "peak_per_second: 900",
    ),
    "asked-for-by-nobody": (
        "serving: {mode: {mode: online}, volume: {predictions: 0}}",
        "predictions: 0",
        "predictions: 9",
    ),
    "answer-in-no-time": ("serving: {volume: {latency_p99: 0s}}", "0s", "5ms"),
    "more-than-one-server-can-answer": (
        "serving: {volume: {peak_per_second: 9000}, distributed: {needed: true, replicas: 2}}",
        "replicas: 2",
        "replicas: 5",
    ),
    "deadline-for-a-batch": (
        "serving: {mode: {mode: batch, pattern: model as dependency}, volume: {latency_p99: 50ms}}",
        "50ms",
        "1h",
    ),
    "promise-that-nobody-keeps": (
        "serving: {volume: {latency_p99: 50ms}, fallback: {constant: {p: 0}, timeout: 80ms}}",
        "timeout: 80ms",
        "timeout: 40ms",
    ),
    "watched-but-not-kept": (
        "serving: {log: {sample: 0%}}, monitoring: {needed: mandatory}",
        "0%",
        "5%",
    ),
    "drift-of-a-hidden-column": (
        "serving: {log: {hash: [age]}}, monitoring: {skew: {columns: [age]}}",
        "columns: [age]",
        "columns: [income]",
    ),
    "window-that-never-fills": (
        "serving: {volume: {predictions: 1000}}, monitoring: {skew: {window: 1d, min_rows: 500}}",
        "window: 1d",
        "window: 30d",
    ),
    "canary-that-never-moves-on": (
        (
            "serving: {volume: {predictions: 1000}}, deployment: {strategy: {kind: canary, steps: [1%, 100%], "
            "every: 1h, analysis: {min_predictions: 100}}}"
        ),
        "predictions: 1000}",
        "predictions: 90000000}",
    ),
    "decay-without-new-labels": (
        "data: {labelling: {needed: true, items_per_month: 0}}, monitoring: {decay: {metric: auc, worse_by: 1}}",
        "items_per_month: 0",
        "items_per_month: 900",
    ),
    "more-decisions-than-predictions": (
        (
            "value: {payoff: {outcomes: [{predicted: true, actual: true, worth: 1}], decisions_per_month: 900}}, "
            "serving: {volume: {predictions: 100}}"
        ),
        "decisions_per_month: 900",
        "decisions_per_month: 90",
    ),
    # monitoring
    "alerts-that-nobody-hears": (
        "monitoring: {alerting: {rules: [{name: a, metric: drift, above: 1}]}}",
        "{alerting: {rules",
        '{alerting: {channels: [{name: c, url: "log:"}], rules',
    ),
    "alert-on-what-is-not-watched": (
        "monitoring: {operations: [errors], alerting: {rules: [{name: a, metric: latency_p99_ms, above: 1}]}}",
        "[errors]",
        "[errors, latency]",
    ),
    "monitoring-of-nothing": (
        "monitoring: {needed: mandatory, ml_metrics: [], operations: []}",
        "operations: []",
        "operations: [latency]",
    ),
    "regulated-but-unwatched": (
        "project: {name: x, regulated: true}, monitoring: {needed: optional}",
        "optional",
        "mandatory",
    ),
    "target-that-nobody-measures": (
        (
            "value: {payoff: {outcomes: [{predicted: true, actual: true, worth: 1}], kpi: {name: sales}}}, "
            "monitoring: {domain_metrics: [returns]}"
        ),
        "[returns]",
        "[returns, sales]",
    ),
    "alerts-without-an-address": (
        (
            'value: {owner: {name: Ada}}, monitoring: {alerting: {channels: [{name: c, url: "log:"}], '
            "rules: [{name: a, metric: drift, above: 1}]}}"
        ),
        "{name: Ada}",
        "{name: Ada, email: ada@example.org}",
    ),
    # records
    "consent-that-nobody-can-give": (
        (
            "metadata: {governance: {approvals: [{action: delete, role: admin, minimum: 2}], "
            "roles: [{role: admin, people: [Ada]}]}}"
        ),
        "[Ada]",
        "[Ada, Grace]",
    ),
    "more-approvers-than-people": (
        (
            "deployment: {release_policy: {by: hand, approvers: 2}}, "
            "metadata: {governance: {roles: [{role: approver, people: [Ada]}]}}"
        ),
        "[Ada]",
        "[Ada, Grace]",
    ),
    "regulated-without-records": (
        "project: {name: x, regulated: true}, metadata: {collected: [code]}",
        "[code]",
        "[code, data, model]",
    ),
    "regulated-without-documents": (
        "project: {name: x, regulated: true}, metadata: {documentation: {as_code: false}}",
        "false",
        "true",
    ),
    "documents-chosen-but-not-made": (
        "metadata: {documentation: {as_code: false, templates: [model card]}}",
        "as_code: false",
        "as_code: true",
    ),
    "documents-as-code-without-version-control": (
        "metadata: {documentation: {as_code: true}}, foundations: {version_control: {tool: none}}",
        "tool: none",
        "tool: git",
    ),
    "records-without-data": (
        "data: {versioning: mandatory}, metadata: {collected: [code]}",
        "[code]",
        "[code, data]",
    ),
    "answered-and-set-aside": (
        "data: {versioning: optional}, decisions: {data.versioning: {status: not applicable}}",
        "not applicable",
        "decided",
    ),
    "versions-named-but-not-kept": (
        "data: {version_method: {level: 0}}, experiments: {metadata: [data]}",
        "level: 0",
        "level: 1",
    ),
    "always-decayed": (
        "monitoring: {decay: {metric: auc, at_least: 5, at_most: 1}}",
        "at_least: 5",
        "at_least: 0.5",
    ),
    "alarms-that-disagree": (
        (
            "pipelines: {retraining: [{pipeline: train, on: drift.found}, {pipeline: train, on: decay.found}]}, "
            "monitoring: {retraining_trigger: [{pipeline: train, on: decay.found}]}"
        ),
        "{retraining_trigger: [",
        "{retraining_trigger: [{pipeline: train, on: drift.found}, ",
    ),
    "regulation-of-what-is-not-regulated": (
        "project: {name: x, regulated: false}, metadata: {governance: {regulation: EU AI Act}}",
        "regulated: false",
        "regulated: true",
    ),
}
