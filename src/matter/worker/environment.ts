/**
 * Sets matter.js up before any other part of it is loaded: imported first. In somebody else's process it must not catch
 * signals, read arguments, variables or a file of the home directory, or set an exit code; it does all of that by default.
 */
import { devNull } from 'node:os';
import { config } from '@matter/nodejs/config';

config.loadProcessArgv = false;
config.loadProcessEnv = false;
config.loadConfigFile = false;
config.trapProcessSignals = false;
config.trapUnhandledErrors = false;
config.setProcessExitCodeOnError = false;
// Each bridge names its folder when it starts.
config.defaultStoragePath = devNull;
