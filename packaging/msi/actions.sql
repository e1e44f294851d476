-- SPDX-License-Identifier: MIT
--
-- What wixl 0.101 cannot write into the package. tools/build-msi.sh passes each statement to
-- msibuild; one ends with a semicolon at the end of a line. VERSION and UPGRADE stand for the package's version and upgrade code.

-- Windows 10 1809 or newer. A removal always goes on.
INSERT INTO `LaunchCondition` (`Condition`, `Description`) VALUES
    ('Installed OR BUILD >= 17763', 'wslbridge needs Windows 10 version 1809, Windows 11 or Windows Server 2019.');
INSERT INTO `LaunchCondition` (`Condition`, `Description`) VALUES
    ('Privileged', 'Installing wslbridge needs administrator rights. Start the installation from a terminal opened with "Run as administrator".');

INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('LaunchConditions', 100);
INSERT INTO `InstallUISequence` (`Action`, `Sequence`) VALUES ('LaunchConditions', 100);

-- Every older version is replaced, and so is another build of this one (1: its features are taken
-- over, 256 and 512: with the limits). A newer one is only found (2).
INSERT INTO `Upgrade` (`UpgradeCode`, `VersionMin`, `VersionMax`, `Attributes`, `ActionProperty`) VALUES
    ('UPGRADE', '0.0.0', 'VERSION', 769, 'OLDERFOUND');
INSERT INTO `Upgrade` (`UpgradeCode`, `VersionMin`, `Attributes`, `ActionProperty`) VALUES
    ('UPGRADE', 'VERSION', 2, 'NEWERFOUND');
INSERT INTO `LaunchCondition` (`Condition`, `Description`) VALUES
    ('NOT NEWERFOUND', 'A newer version of wslbridge is installed. Remove it first, if you want this one.');
-- What the first half finds, the second takes over, also from a user who is no administrator (fact 9.6.9).
INSERT INTO `Property` (`Property`, `Value`) VALUES ('SecureCustomProperties', 'OLDERFOUND;NEWERFOUND;BUILD');

-- The helper inside the package (2) does the work in the transaction (1024), as SYSTEM (2048). It takes
-- the other programs out of the package, whose file is DATABASE (fact 9.6.8). Each action is preceded by
-- its way back (256), whose own failure stops nothing (64); 512 is for what comes when all is complete.
-- Installing comes before Windows lists the package, and removing is the last thing of all, because
-- pairings that are gone cannot be taken back.
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('InstallBack', 3394, 'Helper', 'msi install-back [ProductCode] "[DATABASE]"');
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Install', 3074, 'Helper', 'msi install [ProductCode] "[DATABASE]"');
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('InstallDone', 3650, 'Helper', 'msi install-done [ProductCode] "[DATABASE]"');
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('RemoveBack', 3394, 'Helper', 'msi remove-back [ProductCode] "[DATABASE]"');
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Remove', 3074, 'Helper', 'msi remove [ProductCode] "[DATABASE]"');
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('RemoveDone', 3650, 'Helper', 'msi remove-done [ProductCode] "[DATABASE]"');
-- Without rollback there is no way back, and nothing is told that all is complete (fact 9.6.5). Then the
-- same is done at once, in the transaction.
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('InstallOver', 3138, 'Helper', 'msi install-done [ProductCode] "[DATABASE]"');
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('RemoveOver', 3138, 'Helper', 'msi remove-done [ProductCode] "[DATABASE]"');
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('InstallBack', 'NOT (REMOVE="ALL")', 4610);
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Install', 'NOT (REMOVE="ALL")', 4620);
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('InstallDone', 'NOT (REMOVE="ALL")', 4630);
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('InstallOver', 'RollbackDisabled AND NOT (REMOVE="ALL")', 4640);
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('RemoveBack', 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE', 6410);
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Remove', 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE', 6420);
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('RemoveDone', 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE', 6430);
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('RemoveOver', 'RollbackDisabled AND REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE', 6440);

-- When all is done, the user's own windows learn of the new PATH: a function of a library in the package
-- (1), whose failure stops nothing (64), in the session of the user (fact 9.6.7).
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Announce', 65, 'Announce', 'announce');
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('Announce', 6700);

-- The old package goes when the new version serves, so a failure before that leaves the old one as it
-- is (fact 9.6.3).
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('InstallExecute', 6500);
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('RemoveExistingProducts', 6550);
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('FindRelatedProducts', 25);
INSERT INTO `InstallUISequence` (`Action`, `Sequence`) VALUES ('FindRelatedProducts', 25);

-- What the user sees when an action fails: 1721 where Windows does not let the program start, 1722 where the
-- program says that it has failed.
INSERT INTO `Error` (`Error`, `Message`) VALUES (1721, 'A program of wslbridge could not be started, so nothing has changed. An antivirus program, Smart App Control or AppLocker may have stopped it.');
INSERT INTO `Error` (`Error`, `Message`) VALUES (1722, 'wslbridge could not be installed or removed. The reason is in the Event Log, log Application, source wslbridge.');

-- Names of more than eight letters have a short form before them.
UPDATE `Directory` SET `DefaultDir` = 'WSLBRIDG|wslbridge' WHERE `Directory` = 'Folder';
UPDATE `File` SET `FileName` = 'LICENSE.TXT|LICENSE.txt' WHERE `File` = 'License';
UPDATE `File` SET `FileName` = 'SUMS|SHA256SUMS' WHERE `File` = 'GuestSums';
UPDATE `File` SET `FileName` = 'AMD64.DEB|AMD64NAME' WHERE `File` = 'GuestAmd64';
UPDATE `File` SET `FileName` = 'ARM64.DEB|ARM64NAME' WHERE `File` = 'GuestArm64';
UPDATE `File` SET `FileName` = 'WSLBRIDG.ADM|wslbridge.admx' WHERE `File` = 'Admx';
UPDATE `File` SET `FileName` = 'WSLBRIDG.ADM|wslbridge.adml' WHERE `File` = 'Adml';
UPDATE `Shortcut` SET `Name` = 'WSLBRIDG|wslbridge setup' WHERE `Shortcut` = 'Setup';
