// MLflow's clients print addresses of their own server's pages, /#/experiments/1/runs/ID: they lead to the pages here.
const printed = location.hash.match(/^#\/experiments\/(\d+)(?:\/runs\/(\w+))?/);
if (printed !== null) location.replace(printed[2] ? `runs/${printed[2]}` : `runs?experiment_id=${printed[1]}`);
